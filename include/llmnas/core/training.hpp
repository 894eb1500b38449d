// SPDX-License-Identifier: MIT
/// \file
/// What a trainer is asked and what it answers: the vocabulary that search and train share without including each
/// other.
#pragma once

#include <cstdint>
#include <functional>

namespace llmnas {

/// How much work a training run puts in: one value that a search can raise step by step.
struct fidelity {
    std::int32_t resolution = 160;  ///< height and width that training images are resized to, pixels
    std::int32_t images = 0;        ///< training images, a stratified subset; 0 means all of the training split
    std::int32_t epochs = 30;
    std::int32_t batch = 128;
    friend constexpr bool operator==(const fidelity&, const fidelity&) = default;
};

/// State of a training run behind one epoch. Accuracies are fractions of 1, on the validation split.
struct epoch_report {
    std::int32_t epoch = 0;  ///< 1 .. epochs
    std::int32_t epochs = 0;
    double learning_rate = 0;
    double train_loss = 0;
    double validation_loss = 0;
    double accuracy = 0;        ///< top-1
    double seconds = 0;         ///< since the start of the run
    double seconds_waited = 0;  ///< of the epoch, for data: the trainer had none ready
    double top5 = 0;
    double images_per_second = 0;  ///< of the epoch's training, without validation
};

/// Answer of an epoch callback.
enum class training_control : std::uint8_t { proceed, stop };

/// Called behind every epoch; its answer may stop the run.
using epoch_callback = std::function<training_control(const epoch_report&)>;

/// Result of a training run. Accuracies are fractions of 1, on the validation split held out of the training set.
struct training_metrics {
    double accuracy = 0;  ///< top-1 after the last epoch
    double top5 = 0;
    double loss = 0;
    std::int32_t epochs = 0;  ///< epochs done
    double seconds = 0;
    double images_per_second = 0;  ///< of training, without validation
    friend bool operator==(const training_metrics&, const training_metrics&) = default;
};

}  // namespace llmnas
