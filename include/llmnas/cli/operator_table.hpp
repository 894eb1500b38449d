// SPDX-License-Identifier: MIT
/// \file
/// Costs of a network operator by operator, as a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

#include <llmnas/cli/text_table.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/core/graph.hpp>
#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/terms.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

/// `16x80x80`.
[[nodiscard]] inline std::string shape_text(const shape& s) {
    return fmt::format("{}x{}x{}", s.channels, s.height, s.width);
}

/// Kernel and stride of an operator with a window: `5x5`, `3x3/2`, `10x4/2x1`.
[[nodiscard]] inline std::string window_text(const op& o) {
    if (o.kind != op_kind::conv && o.kind != op_kind::avg_pool && o.kind != op_kind::max_pool) return {};
    std::string text = fmt::format("{}x{}", o.kernel_h, o.kernel_w);
    if (o.stride_h != o.stride_w) return text + fmt::format("/{}x{}", o.stride_h, o.stride_w);
    return o.stride_h > 1 ? text + fmt::format("/{}", o.stride_h) : text;
}

/// One line an operator: shapes, MACs, parameters, bytes of its inputs, of its output, of all maps that exist then
/// (those of the model `layerwise`), and what the chosen model takes while it runs: `usage`, empty where that model
/// does not cover the network. `>` marks operator `peak`.
[[nodiscard]] inline std::string operator_table(const graph_view& g, std::span<const bytes> usage,
                                                std::string_view model, std::int32_t peak) {
    text_table table({{""},
                      {"operator", align::left},
                      {"kernel", align::left},
                      {"in"},
                      {"out"},
                      {"MACs"},
                      {"params"},
                      {"in B"},
                      {"out B"},
                      {"live B"},
                      {std::string(model) + " B"}});
    for (std::size_t i = 0; i < g.ops.size(); ++i) {
        const op& o = g.ops[i];
        bytes inputs;
        for (const std::int32_t tensor : g.inputs_of(o)) inputs += int8_size(g.shape_of(tensor));
        table.add({fmt::format("{}{}", static_cast<std::int64_t>(i) == peak ? "> " : "", i + 1), place_of(o.from),
                   window_text(o), shape_text(o.in), shape_text(o.out), grouped(mac_count::of(o).value),
                   grouped(parameter_count::of(o).value), grouped(inputs.value), grouped(int8_size(o.out).value),
                   grouped(layerwise::live_at(g, i).value), usage.empty() ? "" : grouped(usage[i].value)});
    }
    return table.text();
}

}  // namespace llmnas::cli
