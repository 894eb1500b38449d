// SPDX-License-Identifier: MIT
/// \file
/// Memory model a: one operator after the other, every map in a buffer of its own while it is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/operatorwise.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// Maximum over operators of inputs + output + other maps still needed later (a block's input while its residual is
/// pending). The input frame is inside. Of several operators with the same peak the last is named. Any directed
/// acyclic graph.
struct layerwise {
    static constexpr std::string_view name = "layerwise";
    static constexpr bool max_of_stages = true;
    static constexpr bool rises_with_operators = true;

    static constexpr bool names_last = true;

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return detail::largest_operator<layerwise>(g);
    }

    [[nodiscard]] static constexpr std::int64_t size_at(const detail::live_maps& live) noexcept {
        return live.before() + live.out();
    }

    /// Bytes of all maps that exist while operator i runs: its inputs, its output and what is needed later.
    [[nodiscard]] static constexpr bytes live_at(const graph_view& g, std::size_t i) noexcept {
        bytes live;
        detail::for_each_live_map(g, i, [&](std::int32_t tensor) { live += int8_size(g.shape_of(tensor)); });
        return live;
    }

    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        detail::size_by_operator<layerwise>(g, by_operator);
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        memory_layout l{.peak = peak(g)};
        if (l.peak.at < 0)
            l.stack(buffer_kind::map, 0, int8_size(g.input));
        else
            detail::for_each_live_map(g, static_cast<std::size_t>(l.peak.at), [&](std::int32_t tensor) {
                l.stack(buffer_kind::map, tensor, int8_size(g.shape_of(tensor)));
            });
        return l;
    }
};

static_assert(ExplainsPeak<layerwise>);

}  // namespace llmnas
