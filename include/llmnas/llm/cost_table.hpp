// SPDX-License-Identifier: MIT
/// \file
/// What a network costs by stage, in words for a language model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/memory_model_ref.hpp>

namespace llmnas {

/// Costs of the operators of one stage.
struct stage_costs {
    macs mac_count;
    params parameters;
    bytes sram;  ///< most that the memory model counts while one of them runs; 0 where it does not say
};

/// Costs of each stage; behind the last one those of all operators outside the stages. The operators' stages may have
/// any number below `stages`.
[[nodiscard]] inline std::vector<stage_costs> costs_by_stage(const graph_view& g, std::size_t stages,
                                                             const memory_model_ref& memory) {
    std::vector<stage_costs> by_stage(stages + 1);
    std::vector<bytes> usage(g.ops.size());
    if (!memory.usage(g, usage)) std::fill(usage.begin(), usage.end(), bytes{});
    for (std::size_t i = 0; i < g.ops.size(); ++i) {
        const op& o = g.ops[i];
        const bool outside = o.from.stage < 0 || static_cast<std::size_t>(o.from.stage) >= stages;
        stage_costs& s = by_stage[outside ? stages : static_cast<std::size_t>(o.from.stage)];
        s.mac_count += mac_count::of(o);
        s.parameters += parameter_count::of(o);
        s.sram = std::max(s.sram, usage[i]);
    }
    return by_stage;
}

namespace detail {

/// `96x80x80`
[[nodiscard]] inline std::string shape_words(const shape& s) {
    return fmt::format("{}x{}x{}", s.channels, s.height, s.width);
}

/// One line a stage, and where the peak is: the operator with its maps.
[[nodiscard]] inline std::string cost_table(const graph_view& g, std::size_t stages, const memory_model_ref& memory) {
    const memory_peak peak = memory.peak(g);
    const auto total_macs = static_cast<double>(std::max<std::uint64_t>(total<mac_count>(g).value, 1));
    const auto by_stage = costs_by_stage(g, stages, memory);
    std::string text;
    for (std::size_t s = 0; s < by_stage.size(); ++s) {
        const stage_costs& c = by_stage[s];
        text += fmt::format("  {}: {} MACs ({:.0f} %), {}{} parameters\n",
                            s < stages ? fmt::format("stage {}", s + 1) : std::string("pooling and classifier"),
                            grouped(c.mac_count.value), 100 * static_cast<double>(c.mac_count.value) / total_macs,
                            c.sram.value > 0 ? fmt::format("SRAM up to {} bytes, ", grouped(c.sram.value)) : "",
                            grouped(c.parameters.value));
    }
    text += fmt::format("  peak SRAM {} bytes", grouped(peak.size.value));
    if (peak.at >= 0 && static_cast<std::size_t>(peak.at) < g.ops.size()) {
        const op& o = g.ops[static_cast<std::size_t>(peak.at)];
        text += fmt::format(" at {}, {} -> {}", place_of(o.from), shape_words(o.in), shape_words(o.out));
    }
    return text + "\n";
}

}  // namespace detail
}  // namespace llmnas
