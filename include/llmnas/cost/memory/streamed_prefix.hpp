// SPDX-License-Identifier: MIT
/// \file
/// Memory model f: rows flow through all blocks up to the first operator that needs a whole map.
#pragma once

#include <span>
#include <string_view>

#include <llmnas/cost/memory/plan_builder.hpp>

namespace llmnas {

/// The steps from the network's input to the first block with squeeze-and-excitation (or to the global pooling, whose
/// sums stand for the last map) run as one streamed part; the rest as in `planned`. Late rings of wide kernels can take
/// more than the maps that they replace. Any directed acyclic graph with at most max_steps cuts.
template <frame Input = frame::resident>
struct streamed_prefix {
    static constexpr plan_options options{.input = Input};
    static constexpr std::string_view name = Input == frame::rows_streamed ? "streamed_prefix_rows" : "streamed_prefix";

    [[nodiscard]] static constexpr coverage covers(const graph_view& g) noexcept {
        return detail::plan_coverage(g, options, true);
    }

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return detail::peak_of(g, detail::planner(g, options, true));
    }

    [[nodiscard]] static constexpr memory_plan plan(const graph_view& g) noexcept {
        return detail::plan_of(g, options, detail::planner(g, options, true));
    }

    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        detail::usage_of(plan(g), by_operator);
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        return detail::peak_layout(g, plan(g));
    }
};

using streamed_prefix_rows = streamed_prefix<frame::rows_streamed>;

static_assert(ExplainsPeak<streamed_prefix<>>);

}  // namespace llmnas
