// SPDX-License-Identifier: MIT
/// \file
/// The peak of a network under every built-in memory model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/text_table.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

/// What a built-in memory model describes, in a few words; empty for names that are none.
[[nodiscard]] constexpr std::string_view summary_of(std::string_view model) noexcept {
    struct entry {
        std::string_view name, summary;
    };
    constexpr entry entries[] = {
        {layerwise::name, "a: maps in buffers of their own"},
        {arena::name, "b: TFLite Micro's arena, CMSIS-NN's kernels"},
        {in_place_depthwise::name, "c: depthwise in place, as TinyEngine"},
        {overlaid::name, "d: outputs overwrite their inputs"},
        {fused_blocks::name, "e: blocks by rows, expanded map in a ring"},
        {streamed_prefix<>::name, "f: rows through all blocks up to the first SE"},
        {streamed_prefix_rows::name, "f, the input's rows streamed in"},
        {planned<>::name, "g: the cheapest cut into parts"},
        {planned_rows::name, "g, the input's rows streamed in"},
        {planned_rows_two_pass::name, "g, rows streamed in, SE blocks may run twice"},
    };
    for (const entry& e : entries)
        if (e.name == model) return e.summary;
    return {};
}
static_assert(
    [] {
        bool all = true;
        for_each_memory_model([&](const any_memory_model& m) { all = all && !summary_of(m.name).empty(); });
        return all;
    }(),
    "llmnas: a memory model of the list has no summary for `llmnas check`");

/// `not covered: number of cut points over 64`.
[[nodiscard]] inline std::string uncovered_text(const coverage& c) {
    return fmt::format("not covered: {} over {}", name_of(c.gap), c.limit);
}

/// A network under one memory model.
struct model_verdict {
    any_memory_model model;
    coverage covered;
    memory_peak peak;
    bool fits = false;  ///< whether the model covers the network and the peak keeps the limit
};

[[nodiscard]] inline std::vector<model_verdict> judge_by_all_models(const graph_view& g, bytes limit) {
    std::vector<model_verdict> verdicts;
    for_each_memory_model([&](const any_memory_model& m) {
        const coverage c = m.covers(g);
        const memory_peak p = c.complete() ? m.peak(g) : uncovered_peak;
        verdicts.push_back({m, c, p, c.complete() && p.size <= limit});
    });
    return verdicts;
}

/// A line a model: peak, of it what is no map, the operator of the peak, whether it keeps the limit. `>` marks
/// `chosen`.
[[nodiscard]] inline std::string model_table(const graph_view& g, const std::vector<model_verdict>& verdicts,
                                             std::string_view chosen) {
    text_table table({{"", align::left},
                      {"model", align::left},
                      {"what it describes", align::left},
                      {"peak B"},
                      {"overhead B"},
                      {"fits", align::left},
                      {"operator of the peak", align::left}});
    for (const model_verdict& v : verdicts) {
        const std::string mark = v.model.name == chosen ? ">" : "";
        if (!v.covered.complete())
            table.add({mark, std::string(v.model.name), std::string(summary_of(v.model.name)), "", "", "",
                       uncovered_text(v.covered)});
        else
            table.add({mark, std::string(v.model.name), std::string(summary_of(v.model.name)),
                       grouped(v.peak.size.value), v.peak.overhead.value > 0 ? grouped(v.peak.overhead.value) : "",
                       v.fits ? "yes" : "no",
                       v.peak.at < 0 ? "" : fmt::format("{}, {}", v.peak.at + 1, place_of(origin_of(g, v.peak)))});
    }
    return table.text();
}

}  // namespace llmnas::cli
