// SPDX-License-Identifier: MIT
/// \file
/// What would make a network fit: the largest input.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/cost/memory_model_list.hpp>

namespace llmnas::cli {

/// The input in the same proportions that is nearest to the network's own and at which it keeps the limits: the largest
/// smaller one, or where the network has too few MACs, the smallest larger one. With what it costs there.
[[nodiscard]] inline std::optional<std::pair<shape, costs>> nearest_input(const checked_network& net,
                                                                          const cost_limits& limits,
                                                                          const any_memory_model& memory) {
    const shape input = net.graph.view().input;
    const std::int32_t direction = total<mac_count>(net.graph.view()) < limits.min_macs ? 1 : -1;
    dynamic_graph graph;
    for (std::int32_t side = std::max(input.height, input.width); side >= 1 && side <= max_extent; side += direction) {
        net.lower_at(side, graph);
        if (graph.error()) continue;
        const costs c = evaluate(graph.view(), memory);
        if (limits.allow(c)) return std::pair{graph.view().input, c};
        if (direction > 0 && c.mac_count > limits.max_macs) break;  // MACs only rise with the input
    }
    return std::nullopt;
}

}  // namespace llmnas::cli
