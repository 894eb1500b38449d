// SPDX-License-Identifier: MIT
/// \file
/// Memory models are policies: peak SRAM of a lowered network under one way of executing it.
#pragma once

#include <concepts>
#include <cstddef>
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

/// Where a peak is; outside all stages for a model that names no operator.
[[nodiscard]] constexpr origin origin_of(const graph_view& g, const memory_peak& p) noexcept {
    return p.at >= 0 && static_cast<std::size_t>(p.at) < g.ops.size() ? g.ops[static_cast<std::size_t>(p.at)].from
                                                                      : origin{};
}

/// Peak SRAM in bytes of int8 activations with batch norm folded and activations fused. Stack and data of the runtime
/// are not inside; each model says whether the input frame is.
/// Built-in models are stateless, so that `Model{}` serves at compile time; a program may also choose one at run time
/// behind the same two members.
template <class M>
concept MemoryModel = requires(const M& m, const graph_view& g) {
    { m.name } -> std::convertible_to<std::string_view>;
    { m.peak(g) } -> std::same_as<memory_peak>;
};

}  // namespace llmnas
