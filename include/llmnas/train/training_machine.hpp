// SPDX-License-Identifier: MIT
/// \file
/// Where and how a training runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <llmnas/core/training.hpp>
#include <llmnas/train/batch_stream.hpp>

namespace llmnas {

/// Where a run stands inside an epoch.
struct step_report {
    std::int32_t epoch = 0;  ///< 1 .. epochs
    std::int32_t epochs = 0;
    std::size_t step = 0;  ///< done of `steps`
    std::size_t steps = 0;
    std::size_t validated = 0;  ///< images of `to_validate`, behind the last step
    std::size_t to_validate = 0;
    double loss = 0;               ///< mean of the epoch's steps so far
    double images_per_second = 0;  ///< of the epoch's training so far
};

/// Called behind every step and every batch of the validation. Stopping ends train() with errc::interrupted; with a
/// checkpoint file the run goes on from this very step later.
using step_callback = std::function<training_control(const step_report&)>;

/// Without influence on what is learnt, up to rounding.
struct training_machine {
    std::string device = "auto";  ///< auto, cpu or cuda
    std::int32_t threads = 0;     ///< of torch's operators; 0: all cores
    bool channels_last = true;    ///< layout of maps and weights
    bool fused_operators = true;  ///< on CPUs, with channels_last: our own in place of libtorch's (fused_operators.hpp)
    bool keep_memory = true;      ///< freed memory stays with the process (keep_freed_memory())
    stream_options loading{};     ///< of the threads that make batches
    step_callback on_step{};
};

}  // namespace llmnas
