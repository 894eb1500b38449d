// SPDX-License-Identifier: MIT
/// \file
/// A network as a chain of steps between maps through which everything passes: what memory models e to g go over.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/cost/memory/live_maps.hpp>
#include <llmnas/cost/memory/overlay.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// Steps that the planner takes; the paper's space reaches 62.
inline constexpr std::size_t max_steps = 64;

namespace detail {

enum class step_kind : std::uint8_t {
    block,   ///< [pointwise expansion] [window] [squeeze-and-excitation] or [pointwise projection] [residual]
    pool,    ///< global average pooling
    region,  ///< any other operators between two maps
};

/// One step from map x to map y: operators `first` to `last`. Positions of operators are -1 where the part is missing.
/// Without initialisers, so that an array of steps costs nothing before it is filled.
struct chain_step {
    step_kind kind;
    std::int32_t first;
    std::int32_t last;
    std::int32_t x;        ///< tensor
    std::int32_t y;        ///< tensor
    std::int32_t expand;   ///< pointwise convolution before the window
    std::int32_t window;   ///< convolution, depthwise convolution or pool with a kernel or stride
    std::int32_t squeeze;  ///< global pooling of squeeze-and-excitation; the step then ends at the product with the
                           ///< gates, and the projection is the next one
    std::int32_t project;  ///< pointwise convolution behind the window, or the only operator
    std::int32_t skip;     ///< convolution on the residual path
    std::int32_t add;      ///< residual sum
    std::int32_t held;     ///< input of a residual around squeeze-and-excitation, which stays whole; x of the first of
                           ///< the two steps

    [[nodiscard]] constexpr bool reads_pixels() const noexcept { return expand >= 0 || window < 0; }
    [[nodiscard]] constexpr bool residual() const noexcept { return add >= 0; }
};

[[nodiscard]] constexpr chain_step make_step(step_kind kind, std::int32_t first, std::int32_t x) noexcept {
    return {kind, first, first, x, first + 1, -1, -1, -1, -1, -1, -1, -1};
}

/// The operator that reads the largest buffer of a step.
[[nodiscard]] constexpr std::int32_t center_of(const chain_step& s) noexcept {
    return s.window >= 0 ? s.window : s.first;
}

/// A convolution or pool whose output rows need more than their own input row.
[[nodiscard]] constexpr bool is_window(const op& o) noexcept {
    return o.kind == op_kind::max_pool || o.kind == op_kind::avg_pool ||
           (o.kind == op_kind::conv && !o.is_plain_pointwise());
}

/// Reads the steps of a network one by one.
class step_reader {
public:
    constexpr explicit step_reader(const graph_view& g) noexcept : g_(g) {}

    /// The next step into `s`; false behind the last operator.
    constexpr bool next(chain_step& s) noexcept {
        if (pending_) {
            s = tail_;
            pending_ = false;
        } else {
            if (i_ >= static_cast<std::int32_t>(g_.ops.size())) return false;
            s = make_step(step_kind::block, i_, x_);
            if (!block(g_, s)) s = region();
        }
        i_ = s.last + 1;
        x_ = s.y;
        return true;
    }

private:
    /// Whether operator i reads exactly one map, and that.
    [[nodiscard]] static constexpr bool reads(const graph_view& g, std::int32_t i, std::int32_t x) noexcept {
        if (i >= static_cast<std::int32_t>(g.ops.size())) return false;
        const op& o = g.ops[static_cast<std::size_t>(i)];
        return o.input_count == 1 && g.inputs_of(o)[0] == x;
    }

    [[nodiscard]] static constexpr bool same_block(const op& a, const op& b) noexcept {
        return a.from.stage == b.from.stage && a.from.block == b.from.block;
    }

    /// Tries to read a block, or a global pooling.
    constexpr bool block(const graph_view& g, chain_step& s) noexcept {
        const auto size = static_cast<std::int32_t>(g.ops.size());
        const auto at = [&](std::int32_t k) -> const op& { return g.ops[static_cast<std::size_t>(k)]; };
        const std::int32_t i = s.first, x = s.x, x_end = g_.last_use(x);
        if (!reads(g, i, x)) return false;
        if (at(i).kind == op_kind::global_avg_pool) {
            s.kind = step_kind::pool;
            return x_end == i;
        }
        // The main path goes on at operator `next` with map `m`, which that operator alone reads.
        std::int32_t next = i, m = x;
        const auto take = [&] {
            m = next + 1;
            return next++;
        };
        if (at(i).is_plain_pointwise() && i + 1 < size && is_window(at(i + 1)) && alone(g, i + 1, i + 1) &&
            same_block(at(i), at(i + 1)))
            s.expand = take();
        if (is_window(at(next))) s.window = take();
        if (s.window >= 0 && x_end > i && at(s.window).stride_h != 1) return false;  // a sum reads row r of x at row r
        if (s.window < 0 && !at(next).is_plain_pointwise()) return false;
        if (s.window >= 0 && is_squeeze(g, next, m)) {
            s.squeeze = next;
            s.last = next + 3;
            s.y = next + 4;
            if (x_end <= i) return true;
            s.held = x;
            next = s.y;
            m = s.y;
            tail_ = make_step(step_kind::block, next, m);
            tail_.held = x;
            if (!(next < size && at(next).is_plain_pointwise() && alone(g, next, m))) return false;
            tail_.project = take();
            return pending_ = residual(g, tail_, next, m, x, x_end);
        }
        const bool projects = next < size && at(next).is_plain_pointwise() &&
                              (next == i || (alone(g, next, m) && same_block(at(i), at(next))));
        if (projects) s.project = take();
        s.last = next - 1;
        s.y = m;
        return x_end <= i || residual(g, s, next, m, x, x_end);
    }

    /// Operator k reads map m and nothing else, and nobody else reads m.
    [[nodiscard]] static constexpr bool alone(const graph_view& g, std::int32_t k, std::int32_t m) noexcept {
        return reads(g, k, m) && m > 0 && g.ops[static_cast<std::size_t>(m) - 1].last_use == k;
    }

    /// Ends a step by the sum of its main path m with its input x, perhaps through a pointwise convolution.
    [[nodiscard]] static constexpr bool residual(const graph_view& g, chain_step& s, std::int32_t next, std::int32_t m,
                                                 std::int32_t x, std::int32_t x_end) noexcept {
        const auto at = [&](std::int32_t k) -> const op& { return g.ops[static_cast<std::size_t>(k)]; };
        if (x_end != next) return false;
        std::int32_t other = x;
        if (reads(g, next, x) && at(next).is_plain_pointwise()) {
            s.skip = next++;
            other = next;
            if (at(s.skip).last_use != next) return false;
        }
        if (!is_sum(g, next, m, other) || at(m - 1).last_use != next) return false;
        s.add = next;
        s.last = next;
        s.y = next + 1;
        return true;
    }

    [[nodiscard]] static constexpr bool is_sum(const graph_view& g, std::int32_t i, std::int32_t a,
                                               std::int32_t b) noexcept {
        if (i >= static_cast<std::int32_t>(g.ops.size())) return false;
        const op& o = g.ops[static_cast<std::size_t>(i)];
        if (o.kind != op_kind::add || o.input_count != 2) return false;
        const auto inputs = g.inputs_of(o);
        return a != b && ((inputs[0] == a && inputs[1] == b) || (inputs[0] == b && inputs[1] == a));
    }

    /// Whether operators i to i + 3 are the squeeze-and-excitation of map m, which nobody else reads.
    [[nodiscard]] static constexpr bool is_squeeze(const graph_view& g, std::int32_t i, std::int32_t m) noexcept {
        if (i + 3 >= static_cast<std::int32_t>(g.ops.size())) return false;
        const op* o = &g.ops[static_cast<std::size_t>(i)];
        if (o[0].kind != op_kind::global_avg_pool || o[1].kind != op_kind::conv || o[2].kind != op_kind::conv ||
            o[3].kind != op_kind::scale)
            return false;
        if (!reads(g, i, m) || !reads(g, i + 1, i + 1) || !reads(g, i + 2, i + 2)) return false;
        const auto gates = g.inputs_of(o[3]);
        return gates.size() == 2 && gates[0] == m && gates[1] == i + 3 &&
               g.ops[static_cast<std::size_t>(m) - 1].last_use == i + 3 && o[0].last_use == i + 1 &&
               o[1].last_use == i + 2 && o[2].last_use == i + 3;
    }

    /// The smallest run of operators behind which only one map is needed.
    [[nodiscard]] constexpr chain_step region() const noexcept {
        chain_step s = make_step(step_kind::region, i_, x_);
        s.last = static_cast<std::int32_t>(at_least(i_, g_.last_use(x_)));
        for (std::int32_t k = i_; k < s.last; ++k)
            s.last = static_cast<std::int32_t>(at_least(s.last, g_.last_use(k + 1)));
        s.y = s.last + 1;
        return s;
    }

    const graph_view& g_;
    std::int32_t i_ = 0;
    std::int32_t x_ = 0;
    bool pending_ = false;
    chain_step tail_{};  ///< second step of a block with squeeze-and-excitation and a residual
};

/// The steps of a network, at most max_steps.
struct chain {
    coverage covered;
    std::size_t count = 0;
    chain_step steps[max_steps];

    constexpr explicit chain(const graph_view& g) noexcept {
        step_reader reader(g);
        chain_step s;
        while (reader.next(s)) {
            if (count == max_steps) {
                covered = {coverage_gap::cuts, static_cast<std::int64_t>(max_steps) + 1, max_steps};  // or more
                return;
            }
            steps[count++] = s;
        }
    }
};

}  // namespace detail
}  // namespace llmnas
