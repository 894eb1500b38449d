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
struct chain_step {
    step_kind kind = step_kind::region;
    std::int32_t first = 0;
    std::int32_t last = 0;
    std::int32_t x = 0;         ///< tensor
    std::int32_t y = 0;         ///< tensor
    std::int32_t expand = -1;   ///< pointwise convolution before the window
    std::int32_t window = -1;   ///< convolution, depthwise convolution or pool with a kernel or stride
    std::int32_t squeeze = -1;  ///< global pooling of squeeze-and-excitation; the step then ends at the product with
                                ///< the gates, and the projection is the next one
    std::int32_t project = -1;  ///< pointwise convolution behind the window, or the only operator
    std::int32_t skip = -1;     ///< convolution on the residual path
    std::int32_t add = -1;      ///< residual sum
    std::int32_t held = -1;  ///< input of a residual around squeeze-and-excitation, which stays whole; x of the first
                             ///< of the two steps

    [[nodiscard]] constexpr bool reads_pixels() const noexcept { return expand >= 0 || window < 0; }
    [[nodiscard]] constexpr bool residual() const noexcept { return add >= 0; }
};

[[nodiscard]] constexpr bool is_window(const op& o) noexcept {
    return o.kind == op_kind::max_pool || o.kind == op_kind::avg_pool ||
           (o.kind == op_kind::conv && !o.is_pointwise()) ||
           (o.kind == op_kind::conv && (o.stride_h > 1 || o.stride_w > 1));
}

[[nodiscard]] constexpr bool is_plain_pointwise(const op& o) noexcept { return o.is_pointwise() && !is_window(o); }

/// The steps of a network, at most max_steps.
struct chain {
    coverage covered;
    std::size_t count = 0;
    chain_step steps[max_steps];

    constexpr explicit chain(const graph_view& g) noexcept {
        const live_maps uses(g);
        std::int32_t x = 0;
        std::int32_t i = 0;
        while (i < static_cast<std::int32_t>(g.ops.size())) {
            if (count + 2 > max_steps) {
                covered = {coverage_gap::cuts, static_cast<std::int64_t>(max_steps) + 1, max_steps};  // or more
                return;
            }
            if (!block(g, uses, i, x)) region(uses, i, x);
            i = steps[count - 1].last + 1;
            x = steps[count - 1].y;
        }
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

    /// Tries to read a block, or a global pooling, from operator i on.
    constexpr bool block(const graph_view& g, const live_maps& uses, std::int32_t i, std::int32_t x) noexcept {
        const auto size = static_cast<std::int32_t>(g.ops.size());
        const auto at = [&](std::int32_t k) -> const op& { return g.ops[static_cast<std::size_t>(k)]; };
        if (!reads(g, i, x)) return false;
        const std::int32_t x_end = uses.last_use(x);
        if (at(i).kind == op_kind::global_avg_pool) {
            if (x_end != i) return false;
            steps[count++] = {.kind = step_kind::pool, .first = i, .last = i, .x = x, .y = i + 1};
            return true;
        }
        chain_step s{.kind = step_kind::block, .first = i, .x = x};
        // The main path goes on at operator `next` with map `m`, which that operator alone reads.
        std::int32_t next = i, m = x;
        const auto take = [&] {
            m = next + 1;
            return next++;
        };
        if (is_plain_pointwise(at(i)) && i + 1 < size && is_window(at(i + 1)) && alone(g, i + 1, i + 1) &&
            same_block(at(i), at(i + 1)))
            s.expand = take();
        if (is_window(at(next))) s.window = take();
        if (s.window < 0 && !is_plain_pointwise(at(next))) return false;
        if (s.window >= 0 && is_squeeze(g, next, m)) {
            s.squeeze = next;
            s.last = next + 3;
            s.y = next + 4;
            next = s.y;
            m = s.y;
            if (x_end <= i) {
                steps[count++] = s;
                return true;
            }
            s.held = x;
            chain_step tail{.kind = step_kind::block, .first = next, .x = m, .held = x};
            if (!(next < size && is_plain_pointwise(at(next)) && alone(g, next, m))) return false;
            tail.project = take();
            if (!residual(g, tail, next, m, x, x_end)) return false;
            steps[count++] = s;
            steps[count++] = tail;
            return true;
        }
        const bool projects = next < size && is_plain_pointwise(at(next)) &&
                              (next == i || (alone(g, next, m) && same_block(at(i), at(next))));
        if (projects) s.project = take();
        if (x_end > i) {
            if (!residual(g, s, next, m, x, x_end)) return false;
        } else {
            s.last = next - 1;
            s.y = m;
        }
        steps[count++] = s;
        return true;
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
        if (reads(g, next, x) && is_plain_pointwise(at(next))) {
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

    /// The smallest run of operators from i on behind which only one map is needed.
    constexpr void region(const live_maps& uses, std::int32_t i, std::int32_t x) noexcept {
        std::int32_t end = static_cast<std::int32_t>(at_least(i, uses.last_use(x)));
        for (std::int32_t k = i; k < end; ++k) end = static_cast<std::int32_t>(at_least(end, uses.last_use(k + 1)));
        steps[count++] = {.kind = step_kind::region, .first = i, .last = end, .x = x, .y = end + 1};
    }
};

}  // namespace detail
}  // namespace llmnas
