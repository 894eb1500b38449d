// SPDX-License-Identifier: MIT
/// \file
/// Memory model b: the tensor arena of TensorFlow Lite for Microcontrollers with CMSIS-NN's kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/memory/live_maps.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// Operators that the arena model takes.
inline constexpr std::size_t max_arena_operators = 512;

namespace detail {

/// Working memory of CMSIS-NN's int8 kernels in bytes: two im2col columns of int16 for convolutions wider than 1x1, one
/// int16 window a channel for depthwise convolutions other than 3x3, int32 sums for average pooling.
[[nodiscard]] constexpr std::uint64_t cmsis_nn_scratch(const op& o) noexcept {
    const auto window = static_cast<std::uint64_t>(o.kernel_h) * static_cast<std::uint64_t>(o.kernel_w);
    const auto channels = static_cast<std::uint64_t>(o.in.channels);
    if (o.kind == op_kind::avg_pool || o.kind == op_kind::global_avg_pool) return 4 * channels;
    if (o.kind != op_kind::conv || window == 1) return 0;
    if (o.is_depthwise()) return o.kernel_h == 3 && o.kernel_w == 3 ? 0 : channels * window * 2;
    const std::uint64_t column = window * (channels / static_cast<std::uint64_t>(o.groups));
    return 2 * ((column + 3) / 4 * 4) * 2;
}

/// Buffers with lifetimes, placed as TFLite Micro's GreedyMemoryPlanner does: by falling size, each at the lowest
/// offset that no placed buffer with an overlapping lifetime takes.
class greedy_arena {
public:
    static constexpr std::uint64_t alignment = 16;
    static constexpr std::size_t capacity = 2 * max_arena_operators + 1;

    struct buffer {
        std::uint64_t size = 0;  ///< aligned
        std::uint64_t offset = 0;
        std::int32_t first = 0;  ///< operators during which it exists
        std::int32_t last = 0;
        std::int32_t tensor = -1;  ///< -1: kernel scratch
    };

    constexpr explicit greedy_arena(const graph_view& g) noexcept {
        const auto end = static_cast<std::int32_t>(g.ops.size()) - 1;
        add({int8_size(g.input).value, 0, 0, g.input_last_use, 0});
        for (std::int32_t i = 0; i <= end; ++i) {
            const op& o = g.ops[static_cast<std::size_t>(i)];
            add({int8_size(o.out).value, 0, i, i == end ? end : o.last_use, i + 1});
            add({cmsis_nn_scratch(o), 0, i, i, -1});
        }
        place();
    }

    [[nodiscard]] constexpr std::uint64_t size() const noexcept { return size_; }
    /// Operator during which the last byte of the arena is in use.
    [[nodiscard]] constexpr std::int32_t at() const noexcept { return at_; }
    [[nodiscard]] constexpr std::size_t count() const noexcept { return count_; }
    [[nodiscard]] constexpr const buffer& operator[](std::size_t k) const noexcept { return buffers_[k]; }

private:
    constexpr void add(buffer b) noexcept {
        b.size = (b.size + alignment - 1) / alignment * alignment;
        if (b.size == 0) return;
        std::size_t k = count_++;  // sorted by falling size, of equal ones the first first
        for (; k > 0 && buffers_[k - 1].size < b.size; --k) buffers_[k] = buffers_[k - 1];
        buffers_[k] = b;
    }

    constexpr void place() noexcept {
        std::int16_t by_offset[capacity];
        for (std::size_t k = 0; k < count_; ++k) {
            buffer& b = buffers_[k];
            std::uint64_t offset = 0;
            for (std::size_t n = 0; n < k; ++n) {
                const buffer& other = buffers_[by_offset[n]];
                if (other.first > b.last || other.last < b.first) continue;
                if (other.offset >= offset + b.size) break;  // the gap before it is wide enough
                if (other.offset + other.size > offset) offset = other.offset + other.size;
            }
            b.offset = offset;
            std::size_t n = k;
            for (; n > 0 && buffers_[by_offset[n - 1]].offset > offset; --n) by_offset[n] = by_offset[n - 1];
            by_offset[n] = static_cast<std::int16_t>(k);
            if (offset + b.size > size_) {
                size_ = offset + b.size;
                at_ = b.first;
            }
        }
    }

    std::size_t count_ = 0;
    std::uint64_t size_ = 0;
    std::int32_t at_ = -1;
    buffer buffers_[capacity]{};
};

}  // namespace detail

/// TensorFlow Lite for Microcontrollers (David et al., MLSys 2021): every map and every kernel's scratch has one place
/// for its whole life, found by the greedy planner, aligned to 16 bytes. The overhead is what lives as long as the
/// network: multiplier and shift, 8 bytes an output channel of every convolution and linear layer. Tensor and node
/// structures of the interpreter are not inside; the input frame is. Any directed acyclic graph with at most
/// max_arena_operators operators.
struct arena {
    static constexpr std::string_view name = "arena";
    using never_below = layerwise;

    [[nodiscard]] static constexpr coverage covers(const graph_view& g) noexcept {
        if (g.ops.size() <= max_arena_operators) return {};
        return {coverage_gap::operators, static_cast<std::int64_t>(g.ops.size()), max_arena_operators};
    }

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        if (!covers(g).complete()) return uncovered_peak;
        const detail::greedy_arena planned(g);
        const bytes persistent = persistent_size(g);
        return {bytes{planned.size()} + persistent, g.ops.empty() ? -1 : planned.at(), persistent};
    }

    /// Up to the last byte in use while the operator runs.
    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        if (!covers(g).complete()) return;
        const detail::greedy_arena planned(g);
        const bytes persistent = persistent_size(g);
        for (std::size_t i = 0; i < g.ops.size() && i < by_operator.size(); ++i) {
            bytes end;
            for (std::size_t k = 0; k < planned.count(); ++k) {
                const auto& b = planned[k];
                const auto at = static_cast<std::int32_t>(i);
                if (b.first <= at && at <= b.last && b.offset + b.size > end.value) end = bytes{b.offset + b.size};
            }
            by_operator[i] = end + persistent;
        }
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        memory_layout l{.peak = peak(g)};
        if (!covers(g).complete()) return l;
        const detail::greedy_arena planned(g);
        for (std::size_t k = 0; k < planned.count(); ++k) {
            const auto& b = planned[k];
            if (b.first <= planned.at() && planned.at() <= b.last)
                l.add({b.tensor < 0 ? buffer_kind::scratch : buffer_kind::map, b.tensor, 0, bytes{b.offset},
                       bytes{b.size}});
        }
        l.add({buffer_kind::persistent, -1, 0, bytes{planned.size()}, l.peak.overhead});
        return l;
    }

private:
    [[nodiscard]] static constexpr bytes persistent_size(const graph_view& g) noexcept {
        bytes sum;
        for (const op& o : g.ops)
            if (o.has_weights()) sum += bytes{8 * static_cast<std::uint64_t>(o.out.channels)};
        return sum;
    }
};

static_assert(ExplainsPeak<arena>);

}  // namespace llmnas
