// SPDX-License-Identifier: MIT
/// \file
/// All costs of a network at once, at compile time and at run time by the same functions.
#pragma once

#include <llmnas/core/network.hpp>
#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/memory_model.hpp>
#include <llmnas/cost/terms.hpp>

namespace llmnas {

/// MACs, trainable parameters, int8 flash and peak SRAM of one network under one memory model.
struct costs {
    macs mac_count;
    params parameters;
    bytes flash;
    memory_peak sram;
    friend constexpr bool operator==(const costs&, const costs&) = default;
};

template <MemoryModel Memory = layerwise>
[[nodiscard]] constexpr costs evaluate(const graph_view& g, const Memory& memory = Memory{}) noexcept {
    return {total<mac_count>(g), total<parameter_count>(g), total<int8_flash>(g), memory.peak(g)};
}

/// Costs of a fixed design: `costs_of<network<zoo::lmanet_elite>>.sram.size`.
template <Network Net, MemoryModel Memory = layerwise>
inline constexpr costs costs_of = evaluate<Memory>(Net::view);

}  // namespace llmnas
