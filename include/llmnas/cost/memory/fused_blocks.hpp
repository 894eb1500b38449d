// SPDX-License-Identifier: MIT
/// \file
/// Memory model e: each block by rows, its expanded map in a ring of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/cost/memory/overlaid.hpp>
#include <llmnas/cost/memory/segment.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

namespace detail {

/// Bytes of a step that streams rows from its whole input to its whole output.
[[nodiscard]] constexpr std::int64_t step_size(const graph_view& g, const chain_step& s) noexcept {
    segment alone(g, false);
    alone.append(s);
    return alone.size();
}

/// The operator that reads the largest buffer of a step.
[[nodiscard]] constexpr std::int32_t center_of(const chain_step& s) noexcept {
    return s.window >= 0 ? s.window : s.first;
}

}  // namespace detail

/// Expansion, depthwise convolution and projection of a block run together, row by row, between the block's input and
/// output, which overlap by rows; only min(k, H) rows of the expanded map exist (compare the fused blocks of msf-CNN
/// and the in-place update of TinyEngine). Squeeze-and-excitation needs the map before its pooling whole. Operators
/// outside blocks run as in `overlaid`. The input frame is inside. Any directed acyclic graph with at most max_steps
/// places where one map carries everything. Of several steps with the same peak the first is named.
struct fused_blocks {
    static constexpr std::string_view name = "fused_blocks";
    static constexpr bool max_of_stages = true;

    [[nodiscard]] static constexpr coverage covers(const graph_view& g) noexcept { return detail::chain(g).covered; }

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return find(g, [](const detail::chain_step&) {});
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept;

private:
    template <class F>
    [[nodiscard]] static constexpr memory_peak find(const graph_view& g, F&& at_peak) noexcept {
        const detail::chain c(g);
        if (!c.covered.complete()) return uncovered_peak;
        memory_peak result{int8_size(g.input)};
        const auto keep = [&](std::uint64_t size, std::int32_t at, const detail::chain_step& s) {
            if (size <= result.size.value) return;
            result = {bytes{size}, at};
            at_peak(s);
        };
        for (std::size_t k = 0; k < c.count; ++k) {
            const detail::chain_step& s = c.steps[k];
            if (s.kind != detail::step_kind::region) {
                keep(static_cast<std::uint64_t>(detail::step_size(g, s)), detail::center_of(s), s);
                continue;
            }
            detail::live_maps live(g);
            for (std::int32_t i = 0; i <= s.last; ++i) {
                const auto index = static_cast<std::size_t>(i);
                if (i >= s.first) keep(overlaid::size_at(g, live, index), i, s);
                live.pass(index);
            }
        }
        return result;
    }
};

static_assert(MemoryModel<fused_blocks>);

}  // namespace llmnas
