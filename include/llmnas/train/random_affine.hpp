// SPDX-License-Identifier: MIT
/// \file
/// Random rotation, translation and scale, and augmentations one behind the other. No torch.
#pragma once

#include <cmath>
#include <concepts>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/train/affine.hpp>
#include <llmnas/train/augmentation.hpp>
#include <llmnas/train/auto_augment.hpp>

namespace llmnas {

/// torchvision's RandomAffine about the middle of the image, nearest neighbour, black outside. Defaults are those of
/// the paper's full training.
struct random_affine {
    double degrees = 10;     ///< angle uniform in -degrees .. degrees
    double translate = 0.1;  ///< of width and height, each uniform in -translate .. translate, to the nearest pixel
    double min_scale = 0.8;
    double max_scale = 1.2;

    void apply(working_image& image, splitmix64& rng) const {
        const auto between = [&rng](double low, double high) { return low + (high - low) * rng.uniform(); };
        const shape& size = image.size();
        affine_parameters p;
        p.angle = between(-degrees, degrees);
        p.translate_x = std::nearbyint(between(-translate, translate) * size.width);
        p.translate_y = std::nearbyint(between(-translate, translate) * size.height);
        p.scale = between(min_scale, max_scale);
        warp(image, affine_about(p, size.width * 0.5, size.height * 0.5));
    }
    [[nodiscard]] static constexpr bool before_resize() noexcept { return false; }
    [[nodiscard]] std::string describe() const {
        return fmt::format("affine up to {} degrees, {} of the size, scale {} to {}", degrees, translate, min_scale,
                           max_scale);
    }
};

/// One augmentation behind the other, all of them before or all behind the resize.
template <Augmentation... As>
struct augmentation_sequence {
    static_assert((As::before_resize() && ...) || !(As::before_resize() || ...),
                  "llmnas: augmentations of one sequence belong to different sides of the resize");

    std::tuple<As...> parts{};

    void apply(working_image& image, splitmix64& rng) const {
        std::apply([&](const As&... part) { (part.apply(image, rng), ...); }, parts);
    }
    [[nodiscard]] static constexpr bool before_resize() noexcept { return (As::before_resize() && ...); }
    [[nodiscard]] std::string describe() const {
        std::string all;
        std::apply([&](const As&... part) { ((all += (all.empty() ? "" : "; ") + part.describe()), ...); }, parts);
        return all;
    }
};

/// One of the above, chosen at run time: for the edge of a program. An augmentation of one's own goes in as a type.
class any_augmentation {
public:
    template <class A>
        requires(!std::same_as<A, any_augmentation> && Augmentation<A>)
    any_augmentation(A a) : which_(std::move(a)) {}  // NOLINT(google-explicit-constructor): an augmentation is one

    void apply(working_image& image, splitmix64& rng) const {
        std::visit([&](const auto& a) { a.apply(image, rng); }, which_);
    }
    [[nodiscard]] bool before_resize() const {
        return std::visit([](const auto& a) -> bool { return a.before_resize(); }, which_);
    }
    [[nodiscard]] std::string describe() const {
        return std::visit([](const auto& a) { return a.describe(); }, which_);
    }

private:
    std::variant<no_augmentation, flip_and_shift, auto_augment, augmentation_sequence<auto_augment, random_affine>>
        which_;
};

static_assert(Augmentation<random_affine> && Augmentation<augmentation_sequence<auto_augment, random_affine>>);
static_assert(Augmentation<any_augmentation>);

}  // namespace llmnas
