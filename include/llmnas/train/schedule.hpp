// SPDX-License-Identifier: MIT
/// \file
/// Learning-rate schedules as policies: a rate for every moment of a run. No torch.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace llmnas {

/// `rate(epoch, epochs)`: learning rate at a moment 0 <= epoch < epochs; fractions are steps inside an epoch, so that a
/// schedule decides itself whether it moves each epoch (it takes the floor) or each step. `describe()`: one line for
/// the journal with all its numbers.
template <class S>
concept LearningRateSchedule = std::copy_constructible<S> && requires(const S& s, double epoch, std::int32_t epochs) {
    { s.rate(epoch, epochs) } -> std::convertible_to<double>;
    { s.describe() } -> std::convertible_to<std::string>;
};

/// The paper's mini phase: peak * factor^floor(epoch / step), with a linear warm-up over the first step, where a step
/// is a third of the run: of 30 epochs lr(e) = 0.5 * 0.1^floor(e / 10) * min(1, (e + 1) / 10), e from 0. Moves each
/// epoch.
struct step_decay {
    double peak = 0.5;
    double factor = 0.1;
    std::int32_t steps = 3;  ///< plateaus in the run
    bool warm_up = true;     ///< over the first plateau; the published code has none

    [[nodiscard]] double rate(double epoch, std::int32_t epochs) const {
        const double e = std::floor(epoch);
        const double plateau = std::max(1.0, static_cast<double>(epochs) / steps);
        const double ramp = warm_up ? std::min(1.0, (e + 1) / plateau) : 1.0;
        // The small term keeps exact multiples exact where epochs / steps is no whole number.
        return peak * std::pow(factor, std::floor(e / plateau + 1e-9)) * ramp;
    }
    [[nodiscard]] std::string describe() const {
        return fmt::format("{} x{} after each 1/{} of the epochs, {}", peak, factor, steps,
                           warm_up ? "linear warm-up over the first" : "no warm-up");
    }
};

/// Linear from 0 to the peak over a fraction of the run, then half a cosine to 0. Moves each step: suits runs of few
/// epochs, where a warm-up counted in epochs would be most of the run.
struct warmup_cosine {
    double peak = 0.5;
    double warm_up = 1.0 / 6;  ///< fraction of the run

    [[nodiscard]] double rate(double epoch, std::int32_t epochs) const {
        const double t = epoch / std::max(1, epochs);
        if (t < warm_up) return peak * t / warm_up;
        return 0.5 * peak * (1 + std::cos(std::numbers::pi * (t - warm_up) / (1 - warm_up)));
    }
    [[nodiscard]] std::string describe() const {
        return fmt::format("linear to {} over {:.4g} of the run, cosine to 0", peak, warm_up);
    }
};

/// Half a cosine from peak / 25 up, half a cosine down to peak / 250,000 (Smith and Topin, "Super-convergence", 2017,
/// with the default factors of torch.optim.lr_scheduler.OneCycleLR). Moves each step; a continuous curve over the run,
/// where torch puts the peak one step earlier and ends on the minimum, and momentum is not cycled.
struct one_cycle {
    double peak = 0.5;
    double rise = 0.3;  ///< fraction of the run

    [[nodiscard]] double rate(double epoch, std::int32_t epochs) const {
        const double t = epoch / std::max(1, epochs);
        const auto cosine = [](double from, double to, double s) {
            return to + 0.5 * (from - to) * (1 + std::cos(std::numbers::pi * s));
        };
        return t < rise ? cosine(peak / 25, peak, t / rise) : cosine(peak, peak / 250'000, (t - rise) / (1 - rise));
    }
    [[nodiscard]] std::string describe() const {
        return fmt::format("one cycle to {}, rising {:.4g} of the run", peak, rise);
    }
};

/// One of the above, chosen at run time: for the edge of a program. A schedule of one's own goes in as a type.
class any_schedule {
public:
    template <class S>
        requires(!std::same_as<S, any_schedule> && LearningRateSchedule<S>)
    any_schedule(S s) : which_(std::move(s)) {}  // NOLINT(google-explicit-constructor): a schedule is one

    [[nodiscard]] double rate(double epoch, std::int32_t epochs) const {
        return std::visit([&](const auto& s) { return s.rate(epoch, epochs); }, which_);
    }
    [[nodiscard]] std::string describe() const {
        return std::visit([](const auto& s) { return s.describe(); }, which_);
    }

private:
    std::variant<step_decay, warmup_cosine, one_cycle> which_;
};

static_assert(LearningRateSchedule<step_decay> && LearningRateSchedule<warmup_cosine>);
static_assert(LearningRateSchedule<one_cycle> && LearningRateSchedule<any_schedule>);

}  // namespace llmnas
