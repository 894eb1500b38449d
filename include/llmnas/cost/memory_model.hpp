// SPDX-License-Identifier: MIT
/// \file
/// Memory models are policies: peak SRAM of a lowered network under one way of executing it.
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Peak of a memory model and the operator where it occurs.
struct memory_peak {
    bytes size;
    std::int32_t at = -1;  ///< index of the operator; -1 for a network without operators
    friend constexpr bool operator==(const memory_peak&, const memory_peak&) = default;
};

/// Peak SRAM in bytes of int8 activations with batch norm folded and activations fused. Stack and data of the runtime
/// are not inside; each model says whether the input frame is.
template <class M>
concept MemoryModel = requires(const graph_view& g) {
    { M::name } -> std::convertible_to<std::string_view>;
    { M::peak(g) } -> std::same_as<memory_peak>;
};

}  // namespace llmnas
