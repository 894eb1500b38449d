// SPDX-License-Identifier: MIT
/// \file
/// How a network is trained, as one immutable value that goes into the journal. No torch.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/train/augmentation.hpp>
#include <llmnas/train/auto_augment.hpp>
#include <llmnas/train/mix_up.hpp>
#include <llmnas/train/random_affine.hpp>
#include <llmnas/train/schedule.hpp>

namespace llmnas {

/// Names and values for a journal, in a fixed order.
using description = std::vector<std::pair<std::string, std::string>>;

/// Numbers that forward and backward passes compute with where it is safe; weights, gradients of weights and validation
/// stay fp32 (Micikevicius et al., "Mixed Precision Training", 2018).
enum class mixed_precision : std::uint8_t {
    none,
    bf16,
    fp16  ///< with a dynamic scale of the loss; needs CUDA
};

[[nodiscard]] constexpr std::string_view name_of(mixed_precision p) noexcept {
    return p == mixed_precision::bf16 ? "bf16" : p == mixed_precision::fp16 ? "fp16" : "none";
}

/// bad_input for other names.
[[nodiscard]] inline result<mixed_precision> mixed_precision_named(std::string_view name) {
    for (const auto p : {mixed_precision::none, mixed_precision::bf16, mixed_precision::fp16})
        if (name == name_of(p)) return p;
    return fail(errc::bad_input, "unknown mixed precision", {}, std::string(name), "none, bf16 or fp16");
}

/// A training recipe. The defaults are the paper's mini phase. Learning rates are for the batch of the fidelity, they
/// are not scaled with it.
template <LearningRateSchedule Schedule = step_decay, Augmentation Augment = auto_augment>
struct training_recipe {
    std::string name = "mini";
    Schedule schedule{};
    Augment augmentation{};
    mix_up mixing{};
    double momentum = 0.9;
    bool nesterov = true;
    double weight_decay = 1e-4;
    double label_smoothing = 0.1;
    double dropout = 0.2;      ///< before the classifier
    double clip_norm = 0;      ///< norm of the gradient over all parameters; 0: not clipped
    double average_decay = 0;  ///< of the weights' moving average (weight_average); 0: none is kept
    mixed_precision precision = mixed_precision::none;
    std::int32_t validation_images = 0;  ///< a fixed stratified subset of the validation split; 0: all
    std::uint64_t subset_seed = 0;       ///< of the training subset, the same for all candidates of a search

    /// Everything that decides the result, for the journal and for the check that a checkpoint belongs here.
    [[nodiscard]] description describe() const {
        description d{{"recipe", name},
                      {"optimizer", fmt::format("SGD, {}momentum {}, weight decay {}", nesterov ? "Nesterov " : "",
                                                momentum, weight_decay)},
                      {"learning_rate", schedule.describe()},
                      {"augmentation", augmentation.describe()},
                      {"mix_up", mixing.alpha > 0 ? fmt::format("alpha {}", mixing.alpha) : "none"},
                      {"loss", fmt::format("cross-entropy, label smoothing {}", label_smoothing)},
                      {"dropout", fmt::format("{}", dropout)},
                      {"clip_norm", clip_norm > 0 ? fmt::format("{}", clip_norm) : "none"},
                      {"validation_images", validation_images > 0 ? fmt::format("{}", validation_images) : "all"},
                      {"subset_seed", fmt::format("{}", subset_seed)}};
        if (average_decay > 0) d.emplace_back("weight_average", fmt::format("decay {}", average_decay));
        if (precision != mixed_precision::none) d.emplace_back("mixed_precision", name_of(precision));
        return d;
    }

    /// The same recipe with its schedule and its augmentation chosen at run time.
    template <class To, class Other>
        requires std::convertible_to<Schedule, To> && std::convertible_to<Augment, Other> &&
            (!std::same_as<training_recipe<To, Other>, training_recipe>)
            operator training_recipe<To, Other>() const {  // NOLINT(google-explicit-constructor)
            return {name,          schedule,     augmentation,      mixing,     momentum,
                    nesterov,      weight_decay, label_smoothing,   dropout,    clip_norm,
                    average_decay, precision,    validation_images, subset_seed};
        }
};

/// A recipe as the command line chooses it.
using any_recipe = training_recipe<any_schedule, any_augmentation>;

/// The paper's mini phase (30 epochs, batch 128, 160 px): learning rate 0.5 x 0.1 after each third, warm-up over the
/// first. Normalisation is the data set's.
[[nodiscard]] inline training_recipe<step_decay> mini_recipe() { return {}; }

/// As the published code trains its mini phase: no warm-up, and no augmentation (its validation transform overwrites
/// that of training).
[[nodiscard]] inline training_recipe<step_decay, no_augmentation> published_code_recipe() {
    return {.name = "published_code", .schedule = {.warm_up = false}};
}

/// The paper's full training (120 epochs, batch 128, 160 px): linear warm-up from 0 to 0.5 over a sixth of the run (20
/// epochs), cosine to 0; AutoAugment, RandomAffine and MixUp.
[[nodiscard]] inline training_recipe<warmup_cosine, augmentation_sequence<auto_augment, random_affine>> full_recipe() {
    return {.name = "full", .schedule = {.peak = 0.5}, .mixing = {.alpha = 0.2}, .dropout = 0.05};
}

/// The full training with the peak of the published code, 0.3.
[[nodiscard]] inline training_recipe<warmup_cosine, augmentation_sequence<auto_augment, random_affine>>
published_code_full_recipe() {
    auto recipe = full_recipe();
    recipe.name = "published_code_full";
    recipe.schedule.peak = 0.3;
    return recipe;
}

/// For a few epochs on a few thousand small images, where the mini phase would end before it has learnt: warm-up
/// counted in steps, cosine to 0; shifts, smoothing and dropout do not pay in so short a run. Measured with CIFAR-100,
/// 5,000 images of 32 px, 3 epochs, batch 64, seed 1, validation top-1: LMaNet-Elite 7.6 % (mini: 3.9 %),
/// LMaNet-Core 14.1 %, 22 s each on two cores shared with other work. Peaks of 0.1 to 0.3 and warm-ups of 0.2 to 0.4
/// differ by under one point.
[[nodiscard]] inline training_recipe<warmup_cosine, flip_and_shift> quick_recipe() {
    return {.name = "quick",
            .schedule = {.peak = 0.2, .warm_up = 0.3},
            .augmentation = {.flip = true, .shift = 0},
            .weight_decay = 5e-4,
            .label_smoothing = 0,
            .dropout = 0};
}

/// A recipe by its name, for the command line. bad_input for others.
[[nodiscard]] inline result<any_recipe> recipe_named(std::string_view name) {
    if (name == "mini") return any_recipe(mini_recipe());
    if (name == "full") return any_recipe(full_recipe());
    if (name == "quick") return any_recipe(quick_recipe());
    if (name == "published_code") return any_recipe(published_code_recipe());
    if (name == "published_code_full") return any_recipe(published_code_full_recipe());
    return fail(errc::bad_input, "unknown training recipe", {}, std::string(name),
                "mini, full, quick, published_code or published_code_full");
}

}  // namespace llmnas
