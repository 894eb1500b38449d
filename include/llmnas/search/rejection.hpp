// SPDX-License-Identifier: MIT
/// \file
/// Why a proposal does not become a trial.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <llmnas/core/result.hpp>

namespace llmnas {

enum class rejection_kind : std::uint8_t {
    no_reply,      ///< the language model's server gave no usable answer
    malformed,     ///< the reply holds no architecture
    out_of_space,  ///< a field has a value outside the search space
    illegal,       ///< the network cannot be built, for example a kernel larger than the padded map
    macs_low,
    macs_high,
    sram,
    flash,
    duplicate,  ///< the same operators as an earlier trial
    exhausted,  ///< sampling found no new network within the limits
    objective,  ///< over the limit of an objective that is known before training
};
inline constexpr std::size_t rejection_kinds = 11;

[[nodiscard]] constexpr std::string_view name_of(rejection_kind k) noexcept {
    constexpr std::string_view names[] = {"no_reply", "malformed", "out_of_space", "illegal",   "macs_low", "macs_high",
                                          "sram",     "flash",     "duplicate",    "exhausted", "objective"};
    return names[static_cast<std::size_t>(k)];
}

/// Kind for counting; the error says what, where, the current value (`got`) and the wanted range (`wanted`).
struct rejection {
    rejection_kind kind = rejection_kind::malformed;
    error why;
};

/// How many proposals were rejected, by kind.
using rejection_counts = std::array<std::uint64_t, rejection_kinds>;

}  // namespace llmnas
