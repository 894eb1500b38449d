// SPDX-License-Identifier: MIT
/// \file
/// Augmentation policies: they change one image before it is resized. No torch.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/core/shape.hpp>

namespace llmnas {

/// Writes an augmented copy of one planar image (`shape` C x H x W bytes) with randomness from the generator alone, and
/// says what it does for the journal.
template <class A>
concept Augmentation = std::copy_constructible<A> &&
    requires(const A& a, std::span<const std::uint8_t> in, std::span<std::uint8_t> out, const shape& s,
             splitmix64& rng) {
    a.apply(in, out, s, rng);
    { a.describe() } -> std::convertible_to<std::string>;
};

/// The null policy: the image as it is. A template for policies of your own.
struct no_augmentation {
    static void apply(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, const shape&, splitmix64&) {
        std::copy(in.begin(), in.end(), out.begin());
    }
    [[nodiscard]] static std::string describe() { return "none"; }
};

/// Mirror image with probability 1/2, then a shift by up to `shift` pixels in both directions; what comes in from
/// outside is black (He et al., "Deep Residual Learning", 2016, section 4.2: pad by 4, crop).
struct flip_and_shift {
    bool flip = true;
    std::int32_t shift = 4;

    void apply(std::span<const std::uint8_t> in, std::span<std::uint8_t> out, const shape& s, splitmix64& rng) const {
        // Three draws whatever the options, so that switching one off leaves the others alone.
        const bool mirrored = (rng() & 1U) != 0 && flip;
        const auto dy = static_cast<std::int32_t>(rng.between(-shift, shift));
        const auto dx = static_cast<std::int32_t>(rng.between(-shift, shift));
        std::size_t at = 0;
        for (std::int32_t c = 0; c < s.channels; ++c)
            for (std::int32_t y = 0; y < s.height; ++y) {
                const std::int32_t from_y = y + dy;
                const std::size_t row =
                    static_cast<std::size_t>(c * s.height + from_y) * static_cast<std::size_t>(s.width);
                for (std::int32_t x = 0; x < s.width; ++x, ++at) {
                    const std::int32_t shifted = x + dx;
                    const bool inside = from_y >= 0 && from_y < s.height && shifted >= 0 && shifted < s.width;
                    const std::int32_t from_x = mirrored ? s.width - 1 - shifted : shifted;
                    out[at] = inside ? in[row + static_cast<std::size_t>(from_x)] : std::uint8_t{0};
                }
            }
    }
    [[nodiscard]] std::string describe() const {
        return fmt::format("{}shift up to {} px", flip ? "horizontal flip, " : "", shift);
    }
};

static_assert(Augmentation<no_augmentation> && Augmentation<flip_and_shift>);

}  // namespace llmnas
