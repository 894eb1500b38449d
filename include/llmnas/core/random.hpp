// SPDX-License-Identifier: MIT
/// \file
/// Random numbers that are equal on every platform and standard library: the only source of randomness of the library.
#pragma once

#include <cstdint>

namespace llmnas {

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). Meets the standard's
/// uniform_random_bit_generator; the standard's distributions differ by library, so use below() instead.
struct splitmix64 {
    using result_type = std::uint64_t;

    std::uint64_t state = 0;

    [[nodiscard]] static constexpr std::uint64_t min() noexcept { return 0; }
    [[nodiscard]] static constexpr std::uint64_t max() noexcept { return ~std::uint64_t{0}; }

    constexpr std::uint64_t operator()() noexcept {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

    /// Uniform in 0 .. n - 1 without bias, by rejection; 0 where n is 0.
    constexpr std::uint64_t below(std::uint64_t n) noexcept {
        if (n == 0) return 0;
        const std::uint64_t rest = (max() % n + 1) % n;  // 2^64 mod n: so many values at the top would be favoured
        std::uint64_t x = (*this)();
        while (rest != 0 && x > max() - rest) x = (*this)();
        return x % n;
    }

    /// Uniform in low .. high, both included; low where the range is empty.
    constexpr std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
        if (high < low) return low;
        const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
        const std::uint64_t offset = span == max() ? (*this)() : below(span + 1);
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    constexpr double uniform() noexcept { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
};

/// Seed of the stream `stream` of a seed: streams of (study seed, trial number) are independent, so that workers and
/// resumed runs draw the same numbers as one uninterrupted run.
[[nodiscard]] constexpr std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t stream) noexcept {
    splitmix64 a{seed};
    splitmix64 b{a() ^ (stream * 0xd1342543de82ef95U + 0x2545f4914f6cdd1dU)};
    return b();
}

}  // namespace llmnas
