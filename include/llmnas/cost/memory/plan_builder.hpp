// SPDX-License-Identifier: MIT
/// \file
/// Turns the cuts that the planner chose into parts with an address for every buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <llmnas/cost/memory/planner.hpp>

namespace llmnas::detail {

class plan_builder {
public:
    static constexpr std::size_t max_held = 64;  ///< maps that exist between two parts

    constexpr plan_builder(const graph_view& g, const plan_options& options, const planner& p,
                           memory_plan& plan) noexcept
        : g_(g), options_(options), planner_(p), plan_(plan), live_(g) {}

    /// Adds the parts of all steps.
    constexpr void add_chosen() noexcept {
        if (!planner_.input_arrives()) keep(0, 0, 0);
        std::size_t cuts[max_steps + 1]{};
        std::size_t count = 0;
        for (std::size_t k = planner_.steps().count; k > 0; k = planner_.edge(k).from) cuts[count++] = k;
        std::size_t from = 0;
        while (count > 0) {
            const std::size_t to = cuts[--count];
            add(planner_.edge(to).kind, from, to);
            from = to;
        }
    }

private:
    constexpr void add(edge_kind kind, std::size_t from, std::size_t to) noexcept {
        switch (kind) {
            case edge_kind::streamed:
                add_streamed(from, to);
                break;
            case edge_kind::two_pass:
                add_two_pass(from);
                break;
            case edge_kind::sequence:
                add_sequence(from);
                break;
            case edge_kind::none:
                break;
        }
    }

private:
    [[nodiscard]] constexpr const chain_step& step(std::size_t k) const noexcept { return planner_.steps().steps[k]; }
    [[nodiscard]] constexpr std::int64_t map_size(std::int32_t tensor) const noexcept {
        return size_of(g_.shape_of(tensor));
    }

    // --- buffers of the part under construction -----------------------------------------------------------------
    constexpr void begin(part_kind kind, std::int32_t first, std::int32_t last, std::int32_t x,
                         std::int32_t y) noexcept {
        top_ = 0;
        part_ = {.kind = kind,
                 .first = first,
                 .last = last,
                 .x = x,
                 .y = y,
                 .size = {},
                 .first_buffer = static_cast<std::int32_t>(plan_.buffer_count)};
    }
    constexpr void place(buffer_kind kind, std::int32_t tensor, std::int64_t offset, std::int64_t size,
                         std::int64_t rows = 0) noexcept {
        if (size == 0) return;
        top_ = at_least(top_, offset + size);
        if (plan_.buffer_count == max_plan_buffers) {
            plan_.complete = false;
            return;
        }
        plan_.buffer_storage[plan_.buffer_count++] = {kind, tensor, static_cast<std::int32_t>(rows),
                                                      bytes{static_cast<std::uint64_t>(offset)},
                                                      bytes{static_cast<std::uint64_t>(size)}};
        ++part_.buffer_count;
    }
    constexpr void stack(buffer_kind kind, std::int32_t tensor, std::int64_t size, std::int64_t rows = 0) noexcept {
        place(kind, tensor, top_, size, rows);
    }
    constexpr void finish() noexcept {
        part_.size = bytes{static_cast<std::uint64_t>(top_)};
        if (plan_.part_count == max_plan_parts) {
            plan_.complete = false;
            return;
        }
        for (const memory_buffer& b : plan_.buffers(part_))  // what exists already and lies elsewhere is moved
            if (b.kind == buffer_kind::map && (b.tensor != part_.y || b.tensor == part_.x) && !part_.x_arrives)
                move_to(b.tensor, b.offset.value);
        plan_.part_storage[plan_.part_count++] = part_;
    }

    // --- maps that exist between parts, by address ----------------------------------------------------------------
    constexpr void move_to(std::int32_t tensor, std::uint64_t offset) noexcept {
        for (std::size_t k = 0; k < held_count_; ++k) {
            if (held_[k].tensor != tensor) continue;
            if (held_[k].offset != offset && plan_.part_count > 0)  // the input comes to where the first part has it
                plan_.moved += bytes{static_cast<std::uint64_t>(map_size(tensor))};
            held_[k].offset = offset;
        }
    }
    constexpr void keep(std::size_t position, std::int32_t tensor, std::uint64_t offset) noexcept {
        if (held_count_ == max_held) {
            plan_.complete = false;
            return;
        }
        for (std::size_t k = held_count_++; k > position; --k) held_[k] = held_[k - 1];
        held_[position] = {tensor, offset};
    }
    constexpr void drop(std::int32_t tensor) noexcept {
        for (std::size_t k = 0; k < held_count_; ++k) {
            if (held_[k].tensor != tensor) continue;
            for (std::size_t n = k + 1; n < held_count_; ++n) held_[n - 1] = held_[n];
            --held_count_;
            return;
        }
    }
    [[nodiscard]] constexpr std::size_t position_of(std::int32_t tensor) const noexcept {
        std::size_t k = 0;
        while (k < held_count_ && held_[k].tensor != tensor) ++k;
        return k;
    }

    constexpr void pass(std::int32_t first, std::int32_t last) noexcept {
        for (std::int32_t i = first; i <= last; ++i) {
            live_.enter(static_cast<std::size_t>(i));
            live_.leave();
        }
    }

    // --- parts ----------------------------------------------------------------------------------------------------
    constexpr void add_streamed(std::size_t from, std::size_t to) noexcept {
        const segment run = planner_.streamed(from, to);
        const bool arrives = from == 0 && planner_.input_arrives();
        const chain_step& first = step(from);
        const chain_step& last = step(to - 1);
        const bool pooled = last.kind == step_kind::pool;
        begin(part_kind::streamed, first.first, last.last, first.x, last.y);
        part_.x_arrives = arrives;
        // What stays whole beside the segment stays on the side of x where it is.
        const bool holds = first.held >= 0 && first.held != first.x;
        const std::int64_t base = holds && position_of(first.held) < position_of(first.x) ? map_size(first.held) : 0;
        if (base > 0) place(buffer_kind::map, first.held, 0, base);
        place(buffer_kind::map, last.y, base, map_size(last.y));
        if (pooled) place(buffer_kind::accumulator, last.y, base, run.size_of_last());
        if (!arrives) place(buffer_kind::map, first.x, base + run.distance(), map_size(first.x));
        if (holds && base == 0) stack(buffer_kind::map, first.held, map_size(first.held));
        if (arrives) stack(buffer_kind::ring, first.x, run.arriving(), 2);
        for (std::size_t k = from; k < to; ++k) {
            const chain_step& s = step(k);
            const step_buffers b = buffers_of(g_, s, k == from && !arrives);
            const std::int32_t window_input = s.expand >= 0 ? s.expand + 1 : s.x;
            stack(buffer_kind::ring, window_input, b.ring, b.ring_rows);
            stack(buffer_kind::delay, s.x, b.delay, b.delay_rows);
        }
        stack(buffer_kind::pixel, -1, run.pixels());
        stack(buffer_kind::accumulator, last.squeeze + 1, run.sums());
        stack(buffer_kind::scratch, -1, planner_.scratch(from, to));
        finish();
        pass(first.first, last.last);
        if (first.held != first.x) drop(first.x);
        if (holds) drop(first.held);
        keep(0, last.y, static_cast<std::uint64_t>(base));  // below the x that a residual still needs, else alone
    }

    constexpr void add_two_pass(std::size_t from) noexcept {
        const planner::two_passes p = planner_.passes(from);
        const chain_step& block = step(from);
        const std::int32_t y = step(from + 1).y;
        begin(part_kind::two_pass, block.first, step(from + 1).last, block.x, y);
        place(buffer_kind::map, y, 0, map_size(y));
        place(buffer_kind::map, block.x, p.distance, map_size(block.x));
        stack(buffer_kind::ring, block.expand >= 0 ? block.expand + 1 : block.x, p.buffers.ring, p.buffers.ring_rows);
        const std::int64_t tail = top_, channels = g_.shape_of(block.y).channels;
        place(buffer_kind::accumulator, block.squeeze + 1, tail, p.buffers.sums);
        place(buffer_kind::gates, block.squeeze + 3, tail, channels);
        place(buffer_kind::pixel, -1, tail + channels, channels);
        stack(buffer_kind::scratch, -1, p.scratch);
        plan_.recomputed += macs{p.macs};
        finish();
        pass(part_.first, part_.last);
        drop(block.x);
        keep(0, y, 0);
    }

    /// One part for each operator of a step.
    constexpr void add_sequence(std::size_t k) noexcept {
        const chain_step& s = step(k);
        for (std::int32_t i = s.first; i <= s.last; ++i) {
            live_.enter(static_cast<std::size_t>(i));
            add_operator(static_cast<std::size_t>(i));
            live_.leave();
        }
    }

    constexpr void add_operator(std::size_t i) noexcept {
        const op& o = g_.ops[i];
        const auto index = static_cast<std::int32_t>(i);
        const std::int32_t y = index + 1, x = g_.inputs_of(o)[0];
        const lone_operator alone = run_alone(live_, options_);
        operator_overlay shared = overlay_of(live_);
        if (alone.in_place) shared = {x, 0, padded_plane(o)};
        begin(alone.in_place ? part_kind::in_place : part_kind::overlaid, index, index, x, y);
        std::int64_t y_offset = -1;
        for (std::size_t k = 0; k < held_count_; ++k) {
            const std::int32_t tensor = held_[k].tensor;
            if (tensor != shared.overwritten) {
                stack(buffer_kind::map, tensor, map_size(tensor));
                continue;
            }
            y_offset = top_;
            place(buffer_kind::map, y, y_offset, map_size(y));
            place(buffer_kind::map, tensor, y_offset + shared.distance, map_size(tensor));
        }
        if (y_offset < 0) {
            y_offset = top_;
            stack(buffer_kind::map, y, map_size(y));
        }
        stack(alone.in_place ? buffer_kind::plane : buffer_kind::pixel, -1, shared.copy);
        stack(buffer_kind::scratch, -1, alone.scratch);
        finish();
        const std::size_t position = shared.overwritten >= 0 ? position_of(shared.overwritten) : held_count_;
        if (o.last_use != index || i + 1 == g_.ops.size()) keep(position, y, static_cast<std::uint64_t>(y_offset));
        for (const std::int32_t tensor : g_.inputs_of(o))
            if (g_.last_use(tensor) == index) drop(tensor);
    }

    struct held_map {
        std::int32_t tensor = 0;
        std::uint64_t offset = 0;
    };

    const graph_view& g_;
    plan_options options_;
    const planner& planner_;
    memory_plan& plan_;
    live_maps live_;
    plan_part part_{};
    std::int64_t top_ = 0;
    std::size_t held_count_ = 0;
    held_map held_[max_held]{};
};

/// Whether a plan surely fits memory_plan: each part has an operator at least, and where no region keeps maps of its
/// own, five buffers an operator at most.
[[nodiscard]] constexpr bool surely_fits(const graph_view& g, const chain& c) noexcept {
    bool small = g.ops.size() <= max_plan_parts;
    for (std::size_t k = 0; k < c.count; ++k)
        small = small && (c.steps[k].kind != step_kind::region || c.steps[k].first == c.steps[k].last);
    return small;
}

/// Parts of the chosen plan against memory_plan, and a bound of its buffers. Counted, not built: a plan takes 80 KB,
/// which constant expressions over thousands of networks do not stand.
[[nodiscard]] constexpr coverage plan_coverage(const graph_view& g, const planner& p) noexcept {
    const chain& c = p.steps();
    if (!c.covered.complete() || surely_fits(g, c)) return c.covered;
    std::int64_t parts = 0, buffers = 0, most_held = 0;
    for (std::size_t end = c.count; end > 0; end = p.edge(end).from) {
        const std::size_t from = p.edge(end).from;
        if (p.edge(end).kind != edge_kind::sequence) {
            ++parts;
            buffers += 8 + 2 * static_cast<std::int64_t>(end - from);
            continue;
        }
        const chain_step& s = c.steps[from];
        std::int64_t maps = 2;  // the step's input, and perhaps what a residual waits for
        for (std::int32_t i = s.first; i <= s.last; ++i) {
            const op& o = g.ops[static_cast<std::size_t>(i)];
            ++parts;
            buffers += maps + 4;
            ++maps;
            const auto inputs = g.inputs_of(o);
            for (std::size_t n = 0; n < inputs.size(); ++n) {
                bool dies = g.last_use(inputs[n]) == i;
                for (std::size_t earlier = 0; earlier < n; ++earlier) dies = dies && inputs[earlier] != inputs[n];
                if (dies) --maps;
            }
            most_held = at_least(most_held, maps);
        }
    }
    if (parts <= static_cast<std::int64_t>(max_plan_parts) && buffers <= static_cast<std::int64_t>(max_plan_buffers) &&
        most_held <= static_cast<std::int64_t>(plan_builder::max_held))
        return {};
    return {coverage_gap::parts, static_cast<std::int64_t>(g.ops.size()), max_plan_parts};
}
[[nodiscard]] constexpr coverage plan_coverage(const graph_view& g, const plan_options& options,
                                               bool stream_prefix) noexcept {
    const chain c(g);
    if (!c.covered.complete() || surely_fits(g, c)) return c.covered;
    return plan_coverage(g, planner(g, options, stream_prefix));
}

[[nodiscard]] constexpr memory_peak peak_of(const graph_view& g, const planner& p) noexcept {
    if (!plan_coverage(g, p).complete()) return uncovered_peak;
    if (p.steps().count == 0) return {int8_size(g.input)};
    const auto b = p.peak();
    return {bytes{static_cast<std::uint64_t>(b.size)}, b.at, bytes{static_cast<std::uint64_t>(b.scratch)}};
}

[[nodiscard]] constexpr memory_plan plan_of(const graph_view& g, const plan_options& options,
                                            const planner& p) noexcept {
    memory_plan result;
    result.peak = peak_of(g, p);
    if (result.peak == uncovered_peak) {
        result.complete = false;
        return result;
    }
    plan_builder(g, options, p, result).add_chosen();
    return result;
}

/// Operators of one part take what the part takes.
constexpr void usage_of(const memory_plan& plan, std::span<bytes> by_operator) noexcept {
    for (const plan_part& p : plan.parts())
        for (std::int32_t i = p.first; i <= p.last; ++i)
            if (static_cast<std::size_t>(i) < by_operator.size()) by_operator[static_cast<std::size_t>(i)] = p.size;
}

/// The buffers of the first part that is as large as the plan's peak; of a network without operators, its input.
[[nodiscard]] constexpr memory_layout peak_layout(const graph_view& g, const memory_plan& plan) noexcept {
    memory_layout l{.peak = plan.peak};
    l.complete = plan.complete;
    if (g.ops.empty()) l.stack(buffer_kind::map, 0, int8_size(g.input));
    for (const plan_part& p : plan.parts()) {
        if (p.size != plan.peak.size) continue;
        for (const memory_buffer& b : plan.buffers(p)) l.add(b);
        break;
    }
    return l;
}

}  // namespace llmnas::detail
