// SPDX-License-Identifier: MIT
/// \file
/// Limits on all costs of a network at once.
#pragma once

#include <cstdint>
#include <limits>

#include <llmnas/cost/costs.hpp>

namespace llmnas {

/// A range of MACs and the most bytes of peak SRAM and flash; without limits by default. A structural type.
struct cost_limits {
    macs min_macs{0};
    macs max_macs{std::numeric_limits<std::uint64_t>::max()};
    bytes sram{std::numeric_limits<std::uint64_t>::max()};
    bytes flash{std::numeric_limits<std::uint64_t>::max()};
    friend constexpr bool operator==(const cost_limits&, const cost_limits&) = default;

    [[nodiscard]] constexpr bool allow(const costs& c) const noexcept {
        return min_macs <= c.mac_count && c.mac_count <= max_macs && c.sram.size <= sram && c.flash <= flash;
    }
    [[nodiscard]] constexpr bool limit_macs() const noexcept {
        return min_macs.value > 0 || max_macs.value < std::numeric_limits<std::uint64_t>::max();
    }
    [[nodiscard]] constexpr bool limit_sram() const noexcept {
        return sram.value < std::numeric_limits<std::uint64_t>::max();
    }
    [[nodiscard]] constexpr bool limit_flash() const noexcept {
        return flash.value < std::numeric_limits<std::uint64_t>::max();
    }
};

}  // namespace llmnas
