// SPDX-License-Identifier: MIT
/// \file
/// The shape of one feature map, without the batch: channels x height x width.
#pragma once

#include <cstdint>

#include <llmnas/core/quantities.hpp>

namespace llmnas {

struct shape {
    std::int32_t channels = 1;
    std::int32_t height = 1;
    std::int32_t width = 1;
    friend constexpr bool operator==(const shape&, const shape&) = default;

    /// Number of elements, which is also the size in bytes of the int8 map.
    [[nodiscard]] constexpr std::uint64_t elements() const noexcept {
        return saturating_mul(static_cast<std::uint64_t>(channels),
                              saturating_mul(static_cast<std::uint64_t>(height), static_cast<std::uint64_t>(width)));
    }
};

/// Size of a feature map with int8 elements.
[[nodiscard]] constexpr bytes int8_size(const shape& s) noexcept { return {s.elements()}; }

}  // namespace llmnas
