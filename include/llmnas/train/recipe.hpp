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
#include <llmnas/train/schedule.hpp>

namespace llmnas {

/// Names and values for a journal, in a fixed order.
using description = std::vector<std::pair<std::string, std::string>>;

/// A training recipe. The defaults are the paper's mini phase, except that its AutoAugment is not here yet: see
/// `augmentation` for what is applied. Learning rates are for the batch of the fidelity, they are not scaled with it.
template <LearningRateSchedule Schedule = step_decay, Augmentation Augment = flip_and_shift>
struct training_recipe {
    std::string name = "mini";
    Schedule schedule{};
    Augment augmentation{};
    double momentum = 0.9;
    bool nesterov = true;
    double weight_decay = 1e-4;
    double label_smoothing = 0.1;
    double dropout = 0.2;                ///< before the classifier
    double clip_norm = 0;                ///< norm of the gradient over all parameters; 0: not clipped
    std::int32_t validation_images = 0;  ///< a fixed stratified subset of the validation split; 0: all
    std::uint64_t subset_seed = 0;       ///< of the training subset, the same for all candidates of a search

    /// Everything that decides the result, for the journal and for the check that a checkpoint belongs here.
    [[nodiscard]] description describe() const {
        return {{"recipe", name},
                {"optimizer", fmt::format("SGD, {}momentum {}, weight decay {}", nesterov ? "Nesterov " : "", momentum,
                                          weight_decay)},
                {"learning_rate", schedule.describe()},
                {"augmentation", augmentation.describe()},
                {"loss", fmt::format("cross-entropy, label smoothing {}", label_smoothing)},
                {"dropout", fmt::format("{}", dropout)},
                {"clip_norm", clip_norm > 0 ? fmt::format("{}", clip_norm) : "none"},
                {"validation_images", validation_images > 0 ? fmt::format("{}", validation_images) : "all"},
                {"subset_seed", fmt::format("{}", subset_seed)}};
    }

    /// The same recipe with its schedule chosen at run time.
    template <class To>
        requires std::convertible_to<Schedule, To> &&(!std::same_as<Schedule, To>)
        operator training_recipe<To, Augment>() const {  // NOLINT(google-explicit-constructor)
            return {name,    schedule,  augmentation,      momentum,   nesterov, weight_decay, label_smoothing,
                    dropout, clip_norm, validation_images, subset_seed};
        }
};

/// The paper's mini phase (30 epochs, batch 128, 160 px): learning rate 0.5 x 0.1 after each third, warm-up over the
/// first. Normalisation is the data set's.
[[nodiscard]] inline training_recipe<step_decay> mini_recipe() { return {}; }

/// As the published code trains its mini phase: no warm-up, and no augmentation (its validation transform overwrites
/// that of training).
[[nodiscard]] inline training_recipe<step_decay, no_augmentation> published_code_recipe() {
    return {.name = "published_code", .schedule = {.warm_up = false}};
}

/// For a few epochs on a few thousand small images, where the mini phase would end before it has learnt: warm-up
/// counted in steps, cosine to 0; shifts, smoothing and dropout do not pay in so short a run. Measured with CIFAR-100,
/// 5,000 images of 32 px, 3 epochs, batch 64, seed 1, validation top-1: LMaNet-Elite 7.6 % (mini: 3.9 %),
/// LMaNet-Core 14.1 %, 22 s each on two cores shared with other work. Peaks of 0.1 to 0.3 and warm-ups of 0.2 to 0.4
/// differ by under one point.
[[nodiscard]] inline training_recipe<warmup_cosine> quick_recipe() {
    return {.name = "quick",
            .schedule = {.peak = 0.2, .warm_up = 0.3},
            .augmentation = {.flip = true, .shift = 0},
            .weight_decay = 5e-4,
            .label_smoothing = 0,
            .dropout = 0};
}

/// A recipe by its name, for the command line: "mini" or "quick". bad_input for others.
[[nodiscard]] inline result<training_recipe<any_schedule>> recipe_named(std::string_view name) {
    if (name == "mini") return training_recipe<any_schedule>(mini_recipe());
    if (name == "quick") return training_recipe<any_schedule>(quick_recipe());
    return fail(errc::bad_input, "unknown training recipe", {}, std::string(name), "mini or quick");
}

}  // namespace llmnas
