// SPDX-License-Identifier: MIT
/// \file
/// The dynamic programme behind memory models f and g: where to cut a network into parts, and how each part runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include <llmnas/cost/memory/overlaid.hpp>
#include <llmnas/cost/memory/plan.hpp>
#include <llmnas/cost/memory/segment.hpp>
#include <llmnas/cost/terms.hpp>

namespace llmnas {

/// How the network's input reaches it.
enum class frame : std::uint8_t {
    resident,       ///< the whole input lies in the arena
    rows_streamed,  ///< rows arrive one after the other, from a camera or a file; two rows are kept
};

/// What a plan may do and what it counts. A structural type: options are template arguments.
struct plan_options {
    frame input = frame::resident;
    bool two_pass_se = false;     ///< blocks with squeeze-and-excitation may run twice instead of storing their map
    bool kernel_scratch = false;  ///< 8 bytes an input channel of pointwise convolutions, and int16 planes
    friend constexpr bool operator==(const plan_options&, const plan_options&) = default;
};

namespace detail {

/// How a run of steps is executed as one part (or, operator by operator, as several).
enum class edge_kind : std::uint8_t { none, streamed, sequence, two_pass };

/// Steps `from` to the step before the one that the edge is stored at.
struct plan_edge {
    edge_kind kind = edge_kind::none;
    std::uint8_t from = 0;
};

/// Bytes that an operator takes when it runs alone: by overlay, or where that is smaller and it works channel by
/// channel, in place.
struct lone_operator {
    std::int64_t size = 0;
    bool in_place = false;
    std::int64_t scratch = 0;
};

[[nodiscard]] constexpr std::int64_t kernel_scratch(const op& o) noexcept {
    return o.is_pointwise() ? 8 * std::int64_t{o.in.channels} : 0;
}

[[nodiscard]] constexpr lone_operator run_alone(const live_maps& live, const plan_options& options) noexcept {
    const op& o = live.current();
    lone_operator result{overlaid::size_at(live)};
    if (options.kernel_scratch) result.scratch = kernel_scratch(o);
    if (live.input_dies() && works_channelwise(o)) {
        const std::int64_t plane = padded_plane(o), scratch = options.kernel_scratch ? plane : 0;
        const std::int64_t here = live.before() - live.in() + at_least(live.in(), live.out()) + plane;
        if (here + scratch < result.size + result.scratch) result = {here, true, scratch};
    }
    result.size += result.scratch;
    return result;
}

/// Finds the cuts with the smallest peak; among them those that compute least twice, then those that move least.
class planner {
public:
    /// `stream_prefix`: rows flow through all steps before the first global operator, and only behind it is there a
    /// choice.
    constexpr planner(const graph_view& g, const plan_options& options, bool stream_prefix = false) noexcept
        : g_(g), options_(options), chain_(g) {
        if (!chain_.covered.complete() || chain_.count == 0) return;
        measure_steps();
        if (stream_prefix) measure_prefix();
        search();
        choose();
    }

    [[nodiscard]] constexpr const chain& steps() const noexcept { return chain_; }
    [[nodiscard]] constexpr const plan_edge& edge(std::size_t end) const noexcept { return edges_[end]; }
    [[nodiscard]] constexpr std::int64_t size() const noexcept { return best_[chain_.count]; }
    [[nodiscard]] constexpr bool input_arrives() const noexcept { return arrives_; }

    /// Where the peak of the chosen plan is: the operator that reads the largest buffer of the part.
    struct bottleneck {
        std::int64_t size = 0;
        std::int64_t scratch = 0;
        std::int32_t at = -1;
    };
    [[nodiscard]] constexpr bottleneck peak() const noexcept {
        bottleneck result;
        for (std::size_t end = chain_.count; end > 0; end = edges_[end].from) {
            const bottleneck b = part_peak(edges_[end], end);
            if (b.size >= result.size) result = b;  // of equal ones the first, backwards the last
        }
        return result;
    }

    [[nodiscard]] constexpr segment streamed(std::size_t from, std::size_t end) const noexcept {
        segment run(g_, from == 0 && arrives_);
        for (std::size_t k = from; k < end; ++k) run.append(chain_.steps[k]);
        return run;
    }

    /// A block with squeeze-and-excitation, and its projection, as a part of two passes.
    struct two_passes {
        std::int64_t distance = 0;
        std::int64_t maps = 0;
        step_buffers buffers;
        std::int64_t tail = 0;  ///< sums in the first pass; gates and a pixel in the second
        std::int64_t scratch = 0;
        std::uint64_t macs = 0;

        [[nodiscard]] constexpr std::int64_t size() const noexcept {
            return maps + buffers.ring + buffers.delay + tail + scratch;
        }
    };
    [[nodiscard]] constexpr two_passes passes(std::size_t k) const noexcept {
        const chain_step& block = chain_.steps[k];
        const shape& x = g_.shape_of(block.x);
        const shape& y = g_.shape_of(chain_.steps[k + 1].y);
        const step_rows rows = rows_of(g_, block);
        two_passes p{.buffers = buffers_of(g_, block, true)};
        row_need need{.b = rows.stride, .rows = y.height};
        need.a = !block.reads_pixels() ? -rows.before : block.held >= 0 ? 0 : rows.after + 1;
        need.rows = at_most(need.rows, rows_below(x.height - need.a, need.b));
        p.distance = row_distance(row_size(y), row_size(x), need);
        p.maps = at_least(size_of(y), p.distance + size_of(x));
        p.tail = at_least(p.buffers.sums, 2 * std::int64_t{g_.shape_of(block.y).channels});
        p.scratch = scratch(k, k + 2);
        for (std::int32_t i = block.first; i <= block.window; ++i)
            p.macs += mac_count::of(g_.ops[static_cast<std::size_t>(i)]).value;
        return p;
    }

    [[nodiscard]] constexpr std::int64_t scratch(std::size_t from, std::size_t end) const noexcept {
        std::int64_t most = 0;
        for (std::size_t k = from; k < end; ++k) most = at_least(most, step_scratch_[k]);
        return most;
    }

private:
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    constexpr void measure_steps() noexcept {
        live_maps live(g_);
        for (std::size_t k = 0; k < chain_.count; ++k) {
            const chain_step& s = chain_.steps[k];
            sequence_[k] = 0;
            step_scratch_[k] = 0;
            for (std::int32_t i = s.first; i <= s.last; ++i) {
                live.enter(static_cast<std::size_t>(i));
                sequence_[k] = at_least(sequence_[k], run_alone(live, options_).size);
                if (options_.kernel_scratch)
                    step_scratch_[k] = at_least(step_scratch_[k], kernel_scratch(live.current()));
                live.leave();
            }
        }
        arrives_ = options_.input == frame::rows_streamed && segment(g_, true).takes(chain_.steps[0]);
    }

    constexpr void measure_prefix() noexcept {
        segment run(g_, arrives_);
        while (prefix_ < chain_.count && chain_.steps[prefix_].squeeze < 0 && run.takes(chain_.steps[prefix_]))
            run.append(chain_.steps[prefix_++]);
    }

    /// Calls f(kind, from, end, size, segment) for each way to run steps from `from` on as one edge whose size may stay
    /// within `limit()`.
    template <class Limit, class F>
    constexpr void for_each_edge(std::size_t from, Limit&& limit, F&& f) const noexcept {
        if (from > 0 && from < prefix_) return;
        segment run(g_, from == 0 && arrives_);
        std::int64_t scratch = 0;
        for (std::size_t k = from; k < (from < prefix_ ? prefix_ : chain_.count) && run.takes(chain_.steps[k]); ++k) {
            run.append(chain_.steps[k]);
            if (run.at_least_size() > limit()) break;
            scratch = at_least(scratch, step_scratch_[k]);
            if (k + 1 < prefix_) continue;
            f(edge_kind::streamed, from, k + 1, run.size() + scratch, run);
        }
        if (from < prefix_) return;
        if (from > 0 || !arrives_) f(edge_kind::sequence, from, from + 1, sequence_[from], run);
        if (options_.two_pass_se && chain_.steps[from].squeeze >= 0 && from + 1 < chain_.count &&
            chain_.steps[from + 1].first == chain_.steps[from].last + 1 && chain_.steps[from + 1].window < 0 &&
            chain_.steps[from + 1].project >= 0 &&
            (!chain_.steps[from + 1].residual() || chain_.steps[from + 1].held >= 0) && (from > 0 || !arrives_))
            f(edge_kind::two_pass, from, from + 2, passes(from).size(), run);
    }

    /// best_[j]: smallest peak of steps 0 to j - 1.
    constexpr void search() noexcept {
        for (std::size_t j = 1; j <= chain_.count; ++j) best_[j] = never;
        best_[0] = 0;
        // Cutting everywhere is a plan: nothing above its peak needs a look.
        std::int64_t bound = prefix_ > 0 ? streamed(0, prefix_).size() + scratch(0, prefix_) : 0;
        for (std::size_t k = prefix_; k < chain_.count; ++k) {
            std::int64_t here = k == 0 && arrives_ ? never : sequence_[k];
            segment run(g_, k == 0 && arrives_);
            if (run.takes(chain_.steps[k])) {
                run.append(chain_.steps[k]);
                here = at_most(here, run.size() + step_scratch_[k]);
            }
            bound = at_least(bound, here);
        }
        for (std::size_t from = 0; from < chain_.count; ++from)
            for_each_edge(
                from, [&] { return bound; },
                [&](edge_kind, std::size_t, std::size_t end, std::int64_t size, const segment&) {
                    best_[end] = at_most(best_[end], at_least(best_[from], size));
                });
    }

    struct expense {
        std::uint64_t macs = std::numeric_limits<std::uint64_t>::max();
        std::int64_t moved = never;
    };

    constexpr void choose() noexcept {
        const std::int64_t peak = size();
        expense spent[max_steps + 1];
        spent[0] = {0, 0};
        for (std::size_t from = 0; from < chain_.count; ++from) {
            if (spent[from].moved == never) continue;
            for_each_edge(
                from, [&] { return peak; },
                [&](edge_kind kind, std::size_t, std::size_t end, std::int64_t size, const segment& run) {
                    if (size > peak) return;
                    expense e = spent[from];
                    const auto x = size_of(g_.shape_of(chain_.steps[from].x));
                    if (kind == edge_kind::two_pass) {
                        const two_passes p = passes(from);
                        e.macs += p.macs;
                        if (p.distance > 0 && from > 0) e.moved += x;
                    } else if (kind == edge_kind::streamed) {
                        if (run.distance() > 0 && from > 0) e.moved += x;
                    } else {
                        e.moved += 2 * x;  // a part for each operator
                    }
                    expense& old = spent[end];
                    if (e.macs < old.macs || (e.macs == old.macs && e.moved < old.moved)) {
                        old = e;
                        edges_[end] = {kind, static_cast<std::uint8_t>(from)};
                    }
                });
        }
    }

    [[nodiscard]] constexpr bottleneck part_peak(const plan_edge& e, std::size_t end) const noexcept {
        if (e.kind == edge_kind::two_pass) {
            const two_passes p = passes(e.from);
            return {p.size(), p.scratch, center_of(chain_.steps[e.from])};
        }
        if (e.kind == edge_kind::streamed) {
            const std::int64_t extra = scratch(e.from, end);
            bottleneck b{streamed(e.from, end).size() + extra, extra, chain_.steps[e.from].first};
            const bool arrives = e.from == 0 && arrives_;
            std::int64_t largest = arrives ? 0 : size_of(g_.shape_of(chain_.steps[e.from].x));
            for (std::size_t k = e.from; k < end; ++k) {
                const auto ring = buffers_of(g_, chain_.steps[k], k == e.from && !arrives).ring;
                if (ring > largest) {
                    largest = ring;
                    b.at = chain_.steps[k].window;
                }
            }
            if (size_of(g_.shape_of(chain_.steps[end - 1].y)) > largest && chain_.steps[end - 1].squeeze >= 0)
                b.at = chain_.steps[end - 1].squeeze;
            return b;
        }
        bottleneck b;
        const chain_step& s = chain_.steps[e.from];
        live_maps live(g_);
        for (std::int32_t i = 0; i <= s.last; ++i) {
            live.enter(static_cast<std::size_t>(i));
            if (i >= s.first) {
                const lone_operator o = run_alone(live, options_);
                if (o.size > b.size) b = {o.size, o.scratch, i};
            }
            live.leave();
        }
        return b;
    }

    const graph_view& g_;
    plan_options options_;
    chain chain_;
    bool arrives_ = false;
    std::size_t prefix_ = 0;                  ///< steps that must stream together from the network's input on
    std::int64_t sequence_[max_steps]{};      ///< bytes of a step run operator by operator
    std::int64_t step_scratch_[max_steps]{};  ///< kernel scratch of a step
    std::int64_t best_[max_steps + 1]{};
    plan_edge edges_[max_steps + 1]{};
};

}  // namespace detail
}  // namespace llmnas
