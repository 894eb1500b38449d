// SPDX-License-Identifier: MIT
/// \file
/// Augmentation policies: they change one image before the network sees it. No torch.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/core/shape.hpp>
#include <llmnas/train/working_image.hpp>

namespace llmnas {

/// Changes one image with randomness from the generator alone, keeping its size; says whether it wants the pixels of
/// the data set (before the resize) or those of the training resolution, and what it does, for the journal. Several
/// threads call one object.
template <class A>
concept Augmentation = std::copy_constructible<A> && requires(const A& a, working_image& image, splitmix64& rng) {
    a.apply(image, rng);
    { a.before_resize() } -> std::convertible_to<bool>;
    { a.describe() } -> std::convertible_to<std::string>;
};

/// The null policy: the image as it is. A template for policies of your own.
struct no_augmentation {
    static void apply(working_image&, splitmix64&) {}
    [[nodiscard]] static constexpr bool before_resize() noexcept { return true; }
    [[nodiscard]] static std::string describe() { return "none"; }
};

/// Mirror image with probability 1/2, then a shift by up to `shift` pixels in both directions; what comes in from
/// outside is black (He et al., "Deep Residual Learning", 2016, section 4.2: pad by 4, crop).
struct flip_and_shift {
    bool flip = true;
    std::int32_t shift = 4;  ///< pixels of the data set

    void apply(working_image& image, splitmix64& rng) const {
        // Three draws whatever the options, so that switching one off leaves the others alone.
        const bool mirrored = (rng() & 1U) != 0 && flip;
        const auto dy = static_cast<std::ptrdiff_t>(rng.between(-shift, shift));
        const auto dx = static_cast<std::ptrdiff_t>(rng.between(-shift, shift));
        const shape size = image.size();
        const std::ptrdiff_t height = size.height;
        const std::ptrdiff_t width = size.width;
        // Output columns first .. last - 1 come from inside.
        const std::ptrdiff_t first = std::clamp<std::ptrdiff_t>(-dx, 0, width);
        const std::ptrdiff_t last = std::clamp<std::ptrdiff_t>(width - dx, first, width);
        const std::uint8_t* in = image.pixels();
        std::uint8_t* out = image.other(size);
        for (std::ptrdiff_t row = 0; row < height * size.channels; ++row, out += width) {
            const std::ptrdiff_t y = row % height + dy;
            if (y < 0 || y >= height || first == last) {
                std::fill(out, out + width, std::uint8_t{0});
                continue;
            }
            const std::uint8_t* from = in + (row + dy) * width;
            std::fill(out, out + first, std::uint8_t{0});
            if (mirrored)
                std::reverse_copy(from + width - dx - last, from + width - dx - first, out + first);
            else
                std::copy(from + first + dx, from + last + dx, out + first);
            std::fill(out + last, out + width, std::uint8_t{0});
        }
        image.take_other(size);
    }
    [[nodiscard]] static constexpr bool before_resize() noexcept { return true; }
    [[nodiscard]] std::string describe() const {
        return fmt::format("{}shift up to {} px", flip ? "horizontal flip, " : "", shift);
    }
};

static_assert(Augmentation<no_augmentation> && Augmentation<flip_and_shift>);

}  // namespace llmnas
