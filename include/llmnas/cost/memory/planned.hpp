// SPDX-License-Identifier: MIT
/// \file
/// Memory model g: the network cut into parts by a dynamic programme, each part run in the way that takes least.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/plan_builder.hpp>

namespace llmnas {

/// Cuts are the maps through which everything passes (block outputs, and with squeeze-and-excitation the map before the
/// pooling, which must exist whole). Between two cuts rows stream through rings of rows, the last map overwriting the
/// first; or the operators of one step run one after the other, each overwriting its input, depthwise convolutions in
/// place if that is smaller. The peak is the smallest that such cuts allow; it is never larger than that of `overlaid`
/// or `fused_blocks`. Global average pooling sums rows as they come, so that the last map is not stored.
///
/// Whether the input frame is inside is an option, as are blocks with squeeze-and-excitation in two passes (more MACs:
/// `memory_plan::recomputed`) and kernel scratch. plan() gives what an engine executes. Any directed acyclic graph with
/// at most max_steps cuts.
template <plan_options Options = plan_options{}>
struct planned {
    static constexpr plan_options options = Options;
    static constexpr std::string_view name = [] {
        constexpr bool rows = Options.input == frame::rows_streamed;
        if (Options.kernel_scratch && Options.two_pass_se)
            return rows ? "planned_rows_two_pass_scratch" : "planned_two_pass_scratch";
        if (Options.kernel_scratch) return rows ? "planned_rows_scratch" : "planned_scratch";
        if (Options.two_pass_se) return rows ? "planned_rows_two_pass" : "planned_two_pass";
        return rows ? "planned_rows" : "planned";
    }();
    /// Not where the input is streamed: a stage alone would then not count the map that it begins with.
    static constexpr bool stages_bound_above = Options.input == frame::resident;

    [[nodiscard]] static constexpr coverage covers(const graph_view& g) noexcept {
        return detail::plan_coverage(g, Options, false);
    }

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return detail::peak_of(g, detail::planner(g, Options));
    }

    /// Parts, buffers and offsets.
    [[nodiscard]] static constexpr memory_plan plan(const graph_view& g) noexcept {
        return detail::plan_of(g, Options, detail::planner(g, Options));
    }

    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        detail::usage_of(plan(g), by_operator);
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        return detail::peak_layout(g, plan(g));
    }
};

/// The input rows come from a camera or file; the frame is never stored.
using planned_rows = planned<plan_options{.input = frame::rows_streamed}>;
/// As planned_rows, and squeeze-and-excitation may run a block twice.
using planned_rows_two_pass = planned<plan_options{.input = frame::rows_streamed, .two_pass_se = true}>;

static_assert(ExplainsPeak<planned<>>);

}  // namespace llmnas
