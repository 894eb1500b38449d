// SPDX-License-Identifier: MIT
/// \file
/// Strongly typed costs: bytes, multiply-accumulates, parameters and operations, with literals (`320_KiB`, `350_M`).
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>

namespace llmnas {

/// Saturating sum: a cost beyond 64 bits stays at the largest value, so that every budget still refuses it.
[[nodiscard]] constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

/// Saturating product, see saturating_add().
[[nodiscard]] constexpr std::uint64_t saturating_mul(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() : product;
}

/// A size in bytes. The unit is part of the type: 320_KiB is 327,680 bytes, 320_kB is 320,000.
struct bytes {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const bytes&, const bytes&) = default;
};

/// A number of multiply-accumulates of convolutions and linear layers; never FLOPs.
struct macs {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const macs&, const macs&) = default;
};

/// A number of trainable parameters.
struct params {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const params&, const params&) = default;
};

/// A number of operations by the rules of another tool; which one, says the counter.
struct operations {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const operations&, const operations&) = default;
};

/// One of the cost units above.
template <class Q>
concept Quantity =
    std::same_as<Q, bytes> || std::same_as<Q, macs> || std::same_as<Q, params> || std::same_as<Q, operations>;

template <Quantity Q>
[[nodiscard]] constexpr Q operator+(Q a, Q b) noexcept {
    return Q{saturating_add(a.value, b.value)};
}

template <Quantity Q>
constexpr Q& operator+=(Q& a, Q b) noexcept {
    return a = a + b;
}

inline namespace literals {

[[nodiscard]] consteval bytes operator""_B(unsigned long long n) { return {n}; }
[[nodiscard]] consteval bytes operator""_kB(unsigned long long n) { return {saturating_mul(n, 1000)}; }
[[nodiscard]] consteval bytes operator""_KiB(unsigned long long n) { return {saturating_mul(n, 1024)}; }
[[nodiscard]] consteval bytes operator""_MB(unsigned long long n) { return {saturating_mul(n, 1'000'000)}; }
[[nodiscard]] consteval bytes operator""_MiB(unsigned long long n) { return {saturating_mul(n, 1024 * 1024)}; }
[[nodiscard]] consteval macs operator""_MACs(unsigned long long n) { return {n}; }
[[nodiscard]] consteval macs operator""_M(unsigned long long n) { return {saturating_mul(n, 1'000'000)}; }
[[nodiscard]] consteval params operator""_params(unsigned long long n) { return {n}; }

}  // namespace literals
}  // namespace llmnas
