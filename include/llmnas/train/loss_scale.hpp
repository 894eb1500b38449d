// SPDX-License-Identifier: MIT
/// \file
/// The factor on the loss that keeps small gradients representable in fp16.
#pragma once

#include <algorithm>
#include <cstdint>

namespace llmnas {

/// Doubled behind 2,000 steps with finite gradients, halved where they are not; that step is left out (Micikevicius et
/// al., "Mixed Precision Training", 2018; the numbers are those of torch's GradScaler).
class loss_scale {
public:
    /// Stays 1 where `dynamic` is off.
    explicit loss_scale(bool dynamic) : dynamic_(dynamic), factor_(dynamic ? 65536 : 1) {}

    [[nodiscard]] bool dynamic() const noexcept { return dynamic_; }
    [[nodiscard]] double factor() const noexcept { return factor_; }
    [[nodiscard]] std::int64_t finite_steps() const noexcept { return finite_steps_; }

    void update(bool finite) noexcept {
        if (!dynamic_) return;
        finite_steps_ = finite ? finite_steps_ + 1 : 0;
        if (!finite) factor_ *= 0.5;
        if (finite_steps_ < steps_to_grow) return;
        factor_ = std::min(factor_ * 2, largest);
        finite_steps_ = 0;
    }

    /// No factor helps any more: the training itself has left the numbers.
    [[nodiscard]] bool exhausted() const noexcept { return factor_ < smallest; }

    /// Goes on from a checkpoint.
    void restore(double factor, std::int64_t finite_steps) noexcept {
        if (!dynamic_) return;
        factor_ = std::clamp(factor, smallest, largest);
        finite_steps_ = std::clamp<std::int64_t>(finite_steps, 0, steps_to_grow - 1);
    }

private:
    static constexpr std::int64_t steps_to_grow = 2000;
    static constexpr double largest = 16777216;
    static constexpr double smallest = 1.0 / 1024;

    bool dynamic_;
    double factor_;
    std::int64_t finite_steps_ = 0;
};

}  // namespace llmnas
