// SPDX-License-Identifier: MIT
/// \file
/// AutoAugment with the policy learnt for CIFAR-10, as torchvision 0.14 applies it to PIL images. No torch.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <string_view>

#include <llmnas/core/random.hpp>
#include <llmnas/train/affine.hpp>
#include <llmnas/train/augmentation.hpp>
#include <llmnas/train/pixel_operations.hpp>

namespace llmnas {

/// The operations of AutoAugment.
enum class image_operation : std::uint8_t {
    shear_x,
    shear_y,
    translate_x,
    translate_y,
    rotate,
    brightness,
    color,
    contrast,
    sharpness,
    posterize,
    solarize,
    autocontrast,
    equalize,
    invert,
};

inline constexpr std::array<std::string_view, 14> image_operation_names{
    "ShearX",   "ShearY",    "TranslateX", "TranslateY", "Rotate",       "Brightness", "Color",
    "Contrast", "Sharpness", "Posterize",  "Solarize",   "AutoContrast", "Equalize",   "Invert"};

/// Applies an operation with torchvision's meaning of the magnitude: tangent of a shear, pixels of a translation
/// (fractions dropped), degrees, factor - 1, bits kept, threshold; without effect on the last three operations.
inline void apply_operation(working_image& image, image_operation op, double magnitude) {
    const double middle_x = image.size().width * 0.5;
    const double middle_y = image.size().height * 0.5;
    const auto factor = static_cast<float>(1.0 + magnitude);
    const double slope = std::atan(magnitude) * (180 / std::numbers::pi);
    switch (op) {
        // Shears are about the upper left corner, as in torchvision.
        case image_operation::shear_x:
            return warp(image, affine_about({.shear_x = slope}, 0, 0));
        case image_operation::shear_y:
            return warp(image, affine_about({.shear_y = slope}, 0, 0));
        case image_operation::translate_x:
            return warp(image, affine_about({.translate_x = std::trunc(magnitude)}, middle_x, middle_y));
        case image_operation::translate_y:
            return warp(image, affine_about({.translate_y = std::trunc(magnitude)}, middle_x, middle_y));
        case image_operation::rotate:
            return warp(image, rotation_of(image.size(), magnitude));
        case image_operation::brightness:
            return adjust_brightness(image, factor);
        case image_operation::color:
            return adjust_color(image, factor);
        case image_operation::contrast:
            return adjust_contrast(image, factor);
        case image_operation::sharpness:
            return adjust_sharpness(image, factor);
        case image_operation::posterize:
            return posterize(image, static_cast<std::int32_t>(magnitude));
        case image_operation::solarize:
            return solarize(image, magnitude);
        case image_operation::autocontrast:
            return autocontrast(image);
        case image_operation::equalize:
            return equalize(image);
        case image_operation::invert:
            return invert(image);
    }
}

/// Magnitude of a level 0 .. 9, without its sign, in the single precision of torchvision's tables. Translations grow
/// with the image.
[[nodiscard]] inline double magnitude_of(image_operation op, std::int32_t level, const shape& size) {
    const auto spread = [level](double from, double to) {
        const auto low = static_cast<float>(from);
        const auto high = static_cast<float>(to);
        const float step = (high - low) / 9;
        // torch.linspace counts from the nearer end.
        return static_cast<double>(level < 5 ? low + step * static_cast<float>(level)
                                             : high - step * static_cast<float>(9 - level));
    };
    switch (op) {
        case image_operation::shear_x:
        case image_operation::shear_y:
            return spread(0, 0.3);
        case image_operation::translate_x:
            return spread(0, 150.0 / 331.0 * size.width);
        case image_operation::translate_y:
            return spread(0, 150.0 / 331.0 * size.height);
        case image_operation::rotate:
            return spread(0, 30);
        case image_operation::brightness:
        case image_operation::color:
        case image_operation::contrast:
        case image_operation::sharpness:
            return spread(0, 0.9);
        case image_operation::posterize:
            return 8 - std::nearbyint(level / 2.25);
        case image_operation::solarize:
            return spread(255, 0);
        case image_operation::autocontrast:
        case image_operation::equalize:
        case image_operation::invert:
            break;
    }
    return 0;
}

/// Whether the sign of the magnitude is drawn.
[[nodiscard]] constexpr bool is_signed(image_operation op) noexcept { return op < image_operation::posterize; }

/// Draws one of 25 pairs of operations, each of which is applied with its own probability (Cubuk et al., "AutoAugment:
/// Learning augmentation policies from data", 2019, table 7). Works on images of the training resolution, as the
/// published code does, which resizes first.
struct auto_augment {
    struct step {
        image_operation op;
        double probability;
        std::int32_t level;  ///< of 0 .. 9; of no meaning where the operation has no magnitude
    };
    using pair = std::array<step, 2>;

    // clang-format off
    static constexpr std::array<pair, 25> policy{{
        {{{image_operation::invert, 0.1, 0}, {image_operation::contrast, 0.2, 6}}},
        {{{image_operation::rotate, 0.7, 2}, {image_operation::translate_x, 0.3, 9}}},
        {{{image_operation::sharpness, 0.8, 1}, {image_operation::sharpness, 0.9, 3}}},
        {{{image_operation::shear_y, 0.5, 8}, {image_operation::translate_y, 0.7, 9}}},
        {{{image_operation::autocontrast, 0.5, 0}, {image_operation::equalize, 0.9, 0}}},
        {{{image_operation::shear_y, 0.2, 7}, {image_operation::posterize, 0.3, 7}}},
        {{{image_operation::color, 0.4, 3}, {image_operation::brightness, 0.6, 7}}},
        {{{image_operation::sharpness, 0.3, 9}, {image_operation::brightness, 0.7, 9}}},
        {{{image_operation::equalize, 0.6, 0}, {image_operation::equalize, 0.5, 0}}},
        {{{image_operation::contrast, 0.6, 7}, {image_operation::sharpness, 0.6, 5}}},
        {{{image_operation::color, 0.7, 7}, {image_operation::translate_x, 0.5, 8}}},
        {{{image_operation::equalize, 0.3, 0}, {image_operation::autocontrast, 0.4, 0}}},
        {{{image_operation::translate_y, 0.4, 3}, {image_operation::sharpness, 0.2, 6}}},
        {{{image_operation::brightness, 0.9, 6}, {image_operation::color, 0.2, 8}}},
        {{{image_operation::solarize, 0.5, 2}, {image_operation::invert, 0.0, 0}}},
        {{{image_operation::equalize, 0.2, 0}, {image_operation::autocontrast, 0.6, 0}}},
        {{{image_operation::equalize, 0.2, 0}, {image_operation::equalize, 0.6, 0}}},
        {{{image_operation::color, 0.9, 9}, {image_operation::equalize, 0.6, 0}}},
        {{{image_operation::autocontrast, 0.8, 0}, {image_operation::solarize, 0.2, 8}}},
        {{{image_operation::brightness, 0.1, 3}, {image_operation::color, 0.7, 0}}},
        {{{image_operation::solarize, 0.4, 5}, {image_operation::autocontrast, 0.9, 0}}},
        {{{image_operation::translate_y, 0.9, 9}, {image_operation::translate_y, 0.7, 9}}},
        {{{image_operation::autocontrast, 0.9, 0}, {image_operation::solarize, 0.8, 3}}},
        {{{image_operation::equalize, 0.8, 0}, {image_operation::invert, 0.1, 0}}},
        {{{image_operation::translate_y, 0.7, 9}, {image_operation::autocontrast, 0.9, 0}}},
    }};
    // clang-format on

    static void apply(working_image& image, splitmix64& rng) {
        const pair& chosen = policy[rng.below(policy.size())];
        for (const step& s : chosen) {
            // Two draws a step whatever comes of them.
            const bool applied = rng.uniform() < s.probability;
            const bool negative = (rng() & 1U) != 0;
            if (!applied) continue;
            const double magnitude = magnitude_of(s.op, s.level, image.size());
            apply_operation(image, s.op, negative && is_signed(s.op) ? -magnitude : magnitude);
        }
    }
    [[nodiscard]] static constexpr bool before_resize() noexcept { return false; }
    [[nodiscard]] static std::string describe() { return "AutoAugment, CIFAR-10 policy"; }
};

static_assert(Augmentation<auto_augment>);

}  // namespace llmnas
