// SPDX-License-Identifier: MIT
/// \file
/// Hash of a lowered network: equal networks have equal hashes, whatever they were written as.
#pragma once

#include <cstdint>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// 64 bits over the input and every operator, without origins. Equal hashes are not yet equal networks: equivalent()
/// decides.
[[nodiscard]] constexpr std::uint64_t graph_hash(const graph_view& g) noexcept {
    std::uint64_t h = 0x9E3779B97F4A7C15U;
    const auto mix = [&h](auto value) {
        h ^= static_cast<std::uint64_t>(value) + 0x9E3779B97F4A7C15U + (h << 6U) + (h >> 2U);
        h *= 0xBF58476D1CE4E5B9U;
        h ^= h >> 29U;
    };
    const auto mix_shape = [&mix](const shape& s) { mix(s.channels), mix(s.height), mix(s.width); };
    mix_shape(g.input);
    for (const op& o : g.ops) {
        mix(o.kind), mix(o.activation), mix((o.batch_norm ? 2 : 0) + (o.bias ? 1 : 0));
        mix_shape(o.out);
        mix(o.kernel_h), mix(o.kernel_w), mix(o.stride_h), mix(o.stride_w);
        mix(o.pad.top), mix(o.pad.bottom), mix(o.pad.left), mix(o.pad.right), mix(o.groups);
    }
    for (const std::int32_t id : g.inputs) mix(id);
    return h;
}

}  // namespace llmnas
