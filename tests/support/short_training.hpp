// SPDX-License-Identifier: MIT
/// \file
/// A network, images and a recipe that train within a fraction of a second.
#pragma once

#include <cstdint>
#include <memory>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/train/trainer.hpp>

namespace llmnas::test {

inline constexpr architecture<2> tiny{
    .input = {3, 8, 8},
    .classes = 4,
    .stages = {{.output_channels = 8, .stride = 2, .expansion_factor = 4},
               {.output_channels = 8, .num_layers = 2, .use_se = true, .skip_op = skip_kind::residual}}};

/// Four classes of 8 x 8: which quarter is bright.
inline std::shared_ptr<const training_data> quarters() {
    image_set set;
    set.name = "quarters";
    set.image = {3, 8, 8};
    set.classes = 4;
    splitmix64 rng{1};
    for (std::int32_t i = 0; i < 400; ++i) {
        const std::int32_t label = i % 4;
        for (std::int32_t c = 0; c < 3; ++c)
            for (std::int32_t y = 0; y < 8; ++y)
                for (std::int32_t x = 0; x < 8; ++x) {
                    const bool bright = y / 4 == label / 2 && x / 4 == label % 2;
                    set.pixels.push_back(static_cast<std::uint8_t>(rng.below(120) + (bright ? 80 : 0)));
                }
        set.labels.push_back(label);
    }
    return std::make_shared<training_data>(hold_out(set, {.images = 80}, 0).value());
}

inline training_recipe<warmup_cosine, flip_and_shift> short_recipe() {
    auto recipe = quick_recipe();
    recipe.augmentation = {.flip = false, .shift = 1};
    recipe.dropout = 0.2;
    return recipe;
}

inline const training_machine one_thread{.device = "cpu", .threads = 1};
inline constexpr fidelity few{.resolution = 8, .images = 0, .epochs = 3, .batch = 32};

}  // namespace llmnas::test
