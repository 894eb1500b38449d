// SPDX-License-Identifier: MIT
/// \file
/// An exact, non-negative rational: clang 14 takes no double as a template argument, and designs are template
/// arguments.
#pragma once

#include <cstdint>

namespace llmnas {

struct ratio {
    std::int32_t num = 0;
    std::int32_t den = 1;

    /// Equality of values: 1/2 equals 2/4.
    friend constexpr bool operator==(const ratio& a, const ratio& b) {
        return std::int64_t{a.num} * b.den == std::int64_t{b.num} * a.den;
    }
    /// Order of values; denominators are positive.
    friend constexpr bool operator<(const ratio& a, const ratio& b) {
        return std::int64_t{a.num} * b.den < std::int64_t{b.num} * a.den;
    }
    [[nodiscard]] constexpr double value() const noexcept { return static_cast<double>(num) / den; }
};

/// floor(n * r), as Python's int() gives for the published code's `int(channels * se_ratio)`; 64 bits, because a ratio
/// may be large.
[[nodiscard]] constexpr std::int64_t floor_mul(std::int32_t n, ratio r) noexcept {
    return std::int64_t{n} * r.num / r.den;
}

}  // namespace llmnas
