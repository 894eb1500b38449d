// SPDX-License-Identifier: MIT
/// \file
/// Does a network fit a microcontroller? As a boolean, and as a check whose error prints used and allowed bytes.
#pragma once

#include <cstdint>

#include <llmnas/cost/costs.hpp>
#include <llmnas/mcu/target.hpp>

namespace llmnas {

/// A budget larger than the target is an error of its own, so that a wrong limit cannot pass a network that the part
/// cannot hold.
template <McuTarget Target, budget Budget>
struct possible_budget {
    static_assert(Budget.sram <= Target::arena.size,
                  "llmnas: the SRAM budget is larger than the target's arena region");
    static_assert(Budget.flash <= Target::flash, "llmnas: the flash budget is larger than the target's flash");
    static constexpr bool ok = true;
};

/// True where peak SRAM and flash of the network stay within the budget.
template <Network Net, McuTarget Target, budget Budget = whole_target<Target>, MemoryModel Memory = layerwise>
inline constexpr bool fits = [] {
    static_assert(possible_budget<Target, Budget>::ok);
    return costs_of<Net, Memory>.sram.size <= Budget.sram && costs_of<Net, Memory>.flash <= Budget.flash;
}();

/// Both numbers of a failed check appear in the compiler's message as arguments of these templates.
template <class Memory, std::uint64_t Used, std::uint64_t Allowed, int PeakStage, int PeakBlock, role PeakRole>
struct sram_budget {
    static_assert(
        Used <= Allowed,
        "llmnas: the network needs more SRAM than the budget allows: see sram_budget<memory model, used bytes, "
        "allowed bytes, stage, block and operator of the peak (from 0)>; fewer channels or expansion there, or "
        "an earlier stride of 2, lower the peak");
    static constexpr bool ok = Used <= Allowed;
};

template <std::uint64_t Used, std::uint64_t Allowed>
struct flash_budget {
    static_assert(Used <= Allowed,
                  "llmnas: the network needs more flash than the budget allows: see flash_budget<used bytes, allowed "
                  "bytes>; fewer channels in the last stages lower it most");
    static constexpr bool ok = Used <= Allowed;
};

/// A model that does not cover the network cannot judge it.
template <class Memory, coverage_gap Gap, long long Got, long long Limit>
struct covered_network {
    static_assert(
        Gap != coverage_gap::operators,
        "llmnas: the memory model does not take so many operators: see covered_network<memory model, gap, got, "
        "limit>; `layerwise` and `overlaid` take any number");
    static_assert(
        Gap != coverage_gap::cuts,
        "llmnas: the memory model does not take so many places between whole maps: see covered_network<memory "
        "model, gap, got or more, limit>; `fused_blocks` takes any number");
    static_assert(Gap != coverage_gap::parts,
                  "llmnas: the plan of so many operators has more parts or buffers than memory_plan holds: see "
                  "covered_network<memory model, gap, got, limit>; `fused_blocks` and `overlaid` take any number");
    static constexpr bool ok = Gap == coverage_gap::none;
};

/// `static_assert(check_fits<network<my_net>, mcu::stm32h743, paper_budget>());` is true or a readable compile error.
template <Network Net, McuTarget Target, budget Budget = whole_target<Target>, MemoryModel Memory = layerwise>
[[nodiscard]] consteval bool check_fits() {
    constexpr costs c = costs_of<Net, Memory>;
    constexpr coverage covered = coverage_of(Memory{}, Net::view);
    constexpr origin peak = origin_of(Net::view, c.sram);
    static_assert(possible_budget<Target, Budget>::ok);
    // Of a network that the model does not cover, that alone is reported.
    constexpr std::uint64_t used = covered.complete() ? c.sram.size.value : 0;
    return covered_network<Memory, covered.gap, covered.got, covered.limit>::ok &&
           sram_budget<Memory, used, Budget.sram.value, peak.stage, peak.block, peak.role>::ok &&
           flash_budget<c.flash.value, Budget.flash.value>::ok;
}

}  // namespace llmnas
