// SPDX-License-Identifier: MIT
/// \file
/// Microcontrollers as policies: memory regions, flash and clock of one part, with the datasheet they come from.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/core/quantities.hpp>

namespace llmnas {

/// One contiguous memory of a microcontroller.
struct memory_region {
    std::string_view name;
    std::uint32_t address = 0;
    bytes size;
};

/// A microcontroller: name, core, clock, regions of RAM with the one that holds the tensor arena, flash, datasheet.
template <class T>
concept McuTarget = requires {
    { T::name } -> std::convertible_to<std::string_view>;
    { T::core } -> std::convertible_to<std::string_view>;
    { T::datasheet } -> std::convertible_to<std::string_view>;
    { T::clock_hz } -> std::convertible_to<std::uint64_t>;
    { T::flash } -> std::convertible_to<bytes>;
    {std::span<const memory_region>(T::ram)};
    { T::arena } -> std::convertible_to<memory_region>;
};

/// What a network may use on a target.
struct budget {
    bytes sram;
    bytes flash;
    friend constexpr bool operator==(const budget&, const budget&) = default;
};

/// Everything that the target's arena region and flash hold.
template <McuTarget Target>
inline constexpr budget whole_target{Target::arena.size, Target::flash};

/// The paper's limit on the STM32H743: 320 KB of peak SRAM (327,680 bytes) and 2 MB of flash.
inline constexpr budget paper_budget{{320 * 1024}, {2 * 1024 * 1024}};

}  // namespace llmnas
