// SPDX-License-Identifier: MIT
/// \file
/// Does every network of a search space fit a microcontroller? As a boolean, and as a check whose error prints the
/// bound and the allowed bytes.
#pragma once

#include <cstdint>

#include <llmnas/cost/bounds.hpp>
#include <llmnas/mcu/fits.hpp>

namespace llmnas {

/// True where the upper bounds of peak SRAM and flash over the whole space stay within the budget. A bound that is only
/// sound may be false for a space all of whose networks fit; it is never true for another. A space without legal
/// networks at this input, and a budget larger than the target, are errors of their own.
template <SearchSpace Space, McuTarget Target, budget Budget = whole_target<Target>, MemoryModel Memory = layerwise,
          shape Input = network_of<Space>{}.input, std::int32_t Classes = network_of<Space>{}.classes>
inline constexpr bool all_fit = [] {
    static_assert(possible_budget<Target, Budget>::ok);
    const auto& b = bounds_of<Space, Memory, Input, Classes>;
    return b.sram.greatest.value <= Budget.sram && b.flash.greatest.value <= Budget.flash;
}();

/// Both numbers of a failed check appear in the compiler's message as arguments of these templates.
template <class Memory, std::uint64_t Bound, std::uint64_t Allowed, bound_quality Quality>
struct space_sram_budget {
    static_assert(Quality != bound_quality::none,
                  "llmnas: the memory model gives no upper bound over a space (docs/bounds.md), so that nothing can be "
                  "said about all networks: see space_sram_budget<memory model, ...>");
    static_assert(Quality == bound_quality::none || Bound <= Allowed,
                  "llmnas: the space has networks that may need more SRAM than the budget allows: see "
                  "space_sram_budget<memory model, bound over the space in bytes, allowed bytes, quality>; "
                  "restricted<Space, ...> leaves out the choices that never fit");
    static constexpr bool ok = Bound <= Allowed;
};

template <std::uint64_t Bound, std::uint64_t Allowed>
struct space_flash_budget {
    static_assert(Bound <= Allowed,
                  "llmnas: the space has networks that need more flash than the budget allows: see "
                  "space_flash_budget<most bytes over the space, allowed bytes>");
    static constexpr bool ok = Bound <= Allowed;
};

/// `static_assert(check_all_fit<my_space, mcu::stm32h743, paper_budget>());` is true or a readable compile error.
template <SearchSpace Space, McuTarget Target, budget Budget = whole_target<Target>, MemoryModel Memory = layerwise,
          shape Input = network_of<Space>{}.input, std::int32_t Classes = network_of<Space>{}.classes>
[[nodiscard]] consteval bool check_all_fit() {
    constexpr const auto& b = bounds_of<Space, Memory, Input, Classes>;
    static_assert(possible_budget<Target, Budget>::ok);
    return space_sram_budget<Memory, b.sram.greatest.value.value, Budget.sram.value, b.sram.greatest.quality>::ok &&
           space_flash_budget<b.flash.greatest.value.value, Budget.flash.value>::ok;
}

}  // namespace llmnas
