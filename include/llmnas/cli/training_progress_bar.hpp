// SPDX-License-Identifier: MIT
/// \file
/// Progress of one training on stderr: a bar on a terminal, and a line an epoch everywhere.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <llmnas/cli/progress_bar.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/train/training_machine.hpp>

namespace llmnas::cli {

class training_progress_bar {
public:
    void step_done(const step_report& r) {
        const auto share = [](std::size_t part, std::size_t whole) {
            return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
        };
        const double done = (r.epoch - 1 + share(r.step, r.steps)) / r.epochs;
        if (!before_) before_ = done;
        const std::string where = r.validated == 0
                                      ? fmt::format("step {}/{}", r.step, r.steps)
                                      : fmt::format("validation {:.0f} %", 100 * share(r.validated, r.to_validate));
        bar_.show(done, *before_,
                  fmt::format("epoch {}/{} {}  loss {:.3f}  {:.0f} images/s", r.epoch, r.epochs, where, r.loss,
                              r.images_per_second));
    }

    void epoch_done(const epoch_report& r) {
        bar_.clear();
        fmt::print(stderr,
                   "epoch {:>3}/{}  rate {:.4f}  loss {:.4f}  validation {:.4f}  top-1 {:5.2f} %  top-5 {:5.2f} %  "
                   "{:.0f} images/s  {}\n",
                   r.epoch, r.epochs, r.learning_rate, r.train_loss, r.validation_loss, 100 * r.accuracy, 100 * r.top5,
                   r.images_per_second, clock_text(r.seconds));
    }

    void clear() { bar_.clear(); }

private:
    progress_bar bar_;
    std::optional<double> before_;  ///< share that an earlier run has done
};

}  // namespace llmnas::cli
