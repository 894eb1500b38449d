// SPDX-License-Identifier: MIT
// Executes a memory plan on addresses, part by part, with the buffers that it lists and nothing else. A byte that is
// overwritten before its last read, a map that is missing, or a byte outside a buffer is a `failure`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <llmnas/cost/memory/plan.hpp>
#include <llmnas/cost/memory/planner.hpp>

#include "support/row_simulator.hpp"

namespace memory_simulation {

/// What a run counted.
struct simulated {
    std::uint64_t moved = 0;       ///< bytes of maps that changed their place between parts
    std::uint64_t recomputed = 0;  ///< multiply-accumulates done more than once
    std::uint64_t end = 0;         ///< end of the highest byte written
};

class plan_run {
public:
    plan_run(const graph_view& g, const llmnas::memory_plan& plan, bool kernel_scratch)
        : g_(g), plan_(plan), kernel_scratch_(kernel_scratch), m_(g, static_cast<std::size_t>(plan.peak.size.value)) {
        place_.resize(g.ops.size() + 1, -1);
        for (std::int32_t t = 0; t <= static_cast<std::int32_t>(g.ops.size()); ++t) last_use_.push_back(t - 1);
        for (std::size_t i = 0; i < g.ops.size(); ++i)  // counted, not taken from the graph
            for (const std::int32_t t : g.inputs_of(g.ops[i]))
                last_use_[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(i);
    }

    simulated run() {
        std::int32_t next = 0;
        for (const llmnas::plan_part& p : plan_.parts()) {
            where_ = "part of operators " + std::to_string(p.first) + " to " + std::to_string(p.last) + " (" +
                     std::string(name_of(p.kind)) + "): ";
            try {
                if (p.first != next) throw failure("operators are missing before it");
                run_part(p);
            } catch (const failure& f) {
                throw failure(where_ + f.what());
            }
            next = p.last + 1;
        }
        if (next != static_cast<std::int32_t>(g_.ops.size())) throw failure("operators are missing at the end");
        check_output();
        check_counts();
        return {moved_, m_.macs - macs_, m_.arena.end()};
    }

private:
    using part = llmnas::plan_part;

    void run_part(const part& p) {
        check_buffers(p);
        if (p.first == 0 && !p.x_arrives) {  // the input is written where the first part has it
            place_[0] = static_cast<i64>(find(p, 0).offset.value);
            m_.write(map_at(0), 0, 0, 0, 0, 0, size_of(g_.input));
        }
        move_maps(p);
        switch (p.kind) {
            case llmnas::part_kind::streamed:
            case llmnas::part_kind::two_pass:
                row_part(m_, plan_, p).run();
                break;
            case llmnas::part_kind::overlaid:
            case llmnas::part_kind::in_place:
                run_operator(p);
                break;
        }
        place_[static_cast<std::size_t>(p.y)] = static_cast<i64>(find(p, p.y).offset.value);
        for (std::size_t t = 0; t < place_.size(); ++t) {
            const auto tensor = static_cast<std::int32_t>(t);
            if (last_use(tensor) <= p.last && tensor != static_cast<std::int32_t>(g_.ops.size())) place_[t] = -1;
        }
    }

    [[nodiscard]] std::int32_t last_use(std::int32_t tensor) const {
        return last_use_[static_cast<std::size_t>(tensor)];
    }

    [[nodiscard]] memory_buffer find(const part& p, std::int32_t tensor) const {
        const memory_buffer b = plan_.map(p, tensor);
        if (b.size.value == 0) throw failure("t" + std::to_string(tensor) + " has no place");
        return b;
    }
    [[nodiscard]] memory_buffer map_at(std::int32_t tensor) const {
        return {llmnas::buffer_kind::map,
                tensor,
                0,
                {static_cast<std::uint64_t>(place_[static_cast<std::size_t>(tensor)])},
                {static_cast<std::uint64_t>(size_of(g_.shape_of(tensor)))}};
    }
    void check_whole(std::int32_t tensor) const {
        m_.read(map_at(tensor), 0, tensor, 0, 0, 0, size_of(g_.shape_of(tensor)));
    }

    /// Those that move up from the top down, then those that move down from the bottom up; all are intact then.
    void move_maps(const part& p) {
        struct move {
            std::int32_t tensor;
            i64 from, to;
        };
        std::vector<move> moves;
        for (std::size_t t = 0; t < place_.size(); ++t) {
            if (place_[t] < 0) continue;
            const auto tensor = static_cast<std::int32_t>(t);
            moves.push_back({tensor, place_[t], static_cast<i64>(find(p, tensor).offset.value)});
        }
        std::sort(moves.begin(), moves.end(), [](const move& a, const move& b) { return a.from > b.from; });
        const auto apply = [&](const move& m) {
            const i64 size = size_of(g_.shape_of(m.tensor));
            m_.arena.move(m.to, m.from, size);
            moved_ += static_cast<std::uint64_t>(size);
            place_[static_cast<std::size_t>(m.tensor)] = m.to;
        };
        for (const move& m : moves)
            if (m.to > m.from) apply(m);
        std::reverse(moves.begin(), moves.end());
        for (const move& m : moves)
            if (m.to < m.from) apply(m);
        for (const move& m : moves) check_whole(m.tensor);
    }

    void run_operator(const part& p) {
        if (p.first != p.last || p.y != p.first + 1) throw failure("more than one operator");
        const auto i = static_cast<std::size_t>(p.first);
        const op& o = g_.ops[i];
        std::vector<memory_buffer> inputs;
        for (const std::int32_t tensor : g_.inputs_of(o)) inputs.push_back(find(p, tensor));
        memory_buffer aside, scratch;
        for (const memory_buffer& b : plan_.buffers(p)) {
            if (b.kind == llmnas::buffer_kind::pixel || b.kind == llmnas::buffer_kind::plane) aside = b;
            if (b.kind == llmnas::buffer_kind::scratch) scratch = b;
        }
        whole_operator run(m_, i, inputs, find(p, p.y), aside);
        if (kernel_scratch_) {
            const bool in_place = p.kind == llmnas::part_kind::in_place;
            const i64 needed = in_place           ? llmnas::detail::padded_plane(o)
                               : o.is_pointwise() ? 8 * i64{o.in.channels}
                                                  : 0;
            if (needed > 0) m_.arena.spoil(scratch, 0, needed);
        }
        p.kind == llmnas::part_kind::in_place ? run.run_in_place(aside) : run.run();
    }

    /// Buffers lie inside the part, the part inside the peak, and only those that plan.hpp names share bytes.
    void check_buffers(const part& p) const {
        using llmnas::buffer_kind;
        if (p.size > plan_.peak.size) throw failure("larger than the peak");
        const auto buffers = plan_.buffers(p);
        for (const memory_buffer& b : buffers)
            if (b.end() > p.size) throw failure(std::string(name_of(b.kind)) + " ends outside");
        const auto is = [](const memory_buffer& b, buffer_kind kind, std::int32_t tensor) {
            return b.kind == kind && b.tensor == tensor;
        };
        const auto may_share = [&](const memory_buffer& a, const memory_buffer& b) {
            if (p.kind == llmnas::part_kind::two_pass && a.kind == buffer_kind::accumulator)
                return b.kind == buffer_kind::gates || b.kind == buffer_kind::pixel;
            const bool by_rows = p.kind == llmnas::part_kind::streamed || p.kind == llmnas::part_kind::two_pass;
            if (by_rows && is(a, buffer_kind::accumulator, p.y))  // sums that stand for y
                return is(b, buffer_kind::map, p.x) || is(b, buffer_kind::map, p.y);
            if (!is(a, buffer_kind::map, p.y) || b.kind != buffer_kind::map) return false;
            if (by_rows) return b.tensor == p.x;
            const auto inputs = g_.inputs_of(g_.ops[static_cast<std::size_t>(p.first)]);
            return std::find(inputs.begin(), inputs.end(), b.tensor) != inputs.end() && last_use(b.tensor) == p.first;
        };
        for (const memory_buffer& a : buffers)
            for (const memory_buffer& b : buffers)
                if (&a < &b && !may_share(a, b) && !may_share(b, a) &&
                    overlap(static_cast<i64>(a.offset.value), static_cast<i64>(a.size.value),
                            static_cast<i64>(b.offset.value), static_cast<i64>(b.size.value)))
                    throw failure(std::string(name_of(a.kind)) + " of t" + std::to_string(a.tensor) + " and " +
                                  std::string(name_of(b.kind)) + " of t" + std::to_string(b.tensor) + " share bytes");
    }

    void check_output() const {
        const auto output = static_cast<std::int32_t>(g_.ops.size());
        if (place_[g_.ops.size()] < 0) throw failure("the output has no place");
        check_whole(output);
    }

    /// Every element once; what a two_pass part does twice, twice. Rows that nobody needs may be left out.
    void check_counts() {
        std::vector<std::uint32_t> times(g_.ops.size(), 1);
        for (const part& p : plan_.parts())
            if (p.kind == llmnas::part_kind::two_pass)
                for (auto i = static_cast<std::size_t>(p.first); g_.ops[i].kind != op_kind::global_avg_pool; ++i)
                    times[i] = 2;
        const needed_rows needed(g_, 0, static_cast<std::int32_t>(g_.ops.size()) - 1);
        for (std::size_t i = 0; i < g_.ops.size(); ++i) {
            const op& o = g_.ops[i];
            for (i64 p = 0; p < pixels_of(o.out); ++p) {
                const std::uint32_t got = m_.produced[m_.first_pixel[i + 1] + static_cast<std::size_t>(p)];
                const auto wanted = times[i] * static_cast<std::uint32_t>(o.out.channels);
                if (got == wanted) {
                    macs_ += llmnas::weight_count(o);
                    continue;
                }
                if (got == 0 && !needed.row(static_cast<std::int32_t>(i) + 1, p / o.out.width)) continue;
                throw failure("operator " + std::to_string(i) + " computed " + std::to_string(got) +
                              " channels of pixel " + std::to_string(p) + ", wanted " + std::to_string(wanted));
            }
        }
    }

    graph_view g_;
    const llmnas::memory_plan& plan_;
    bool kernel_scratch_;
    machine m_;
    std::vector<i64> place_;  ///< of each map that exists, -1 for none
    std::vector<std::int32_t> last_use_;
    std::string where_;
    std::uint64_t moved_ = 0;
    std::uint64_t macs_ = 0;  ///< of every pixel that was computed, once
};

[[nodiscard]] inline simulated simulate(const graph_view& g, const llmnas::memory_plan& plan,
                                        bool kernel_scratch = false) {
    if (!plan.complete) throw failure("the plan is not complete");
    return plan_run(g, plan, kernel_scratch).run();
}

}  // namespace memory_simulation
