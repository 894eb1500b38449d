// SPDX-License-Identifier: MIT
/// \file
/// How a study's front grew: its hypervolume over ended trials and over training epochs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include <llmnas/core/result.hpp>
#include <llmnas/search/hypervolume.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/pareto.hpp>
#include <llmnas/search/study_state.hpp>

namespace llmnas {

/// A study behind so many ended trials.
struct curve_point {
    std::int32_t trials = 0;  ///< complete, failed and pruned
    std::int64_t epochs = 0;  ///< trained in them
    double hypervolume = 0;   ///< of the front
    double accuracy = 0;      ///< highest on the front, fraction of 1
    friend bool operator==(const curve_point&, const curve_point&) = default;
};

/// The trial on the rung below whose checkpoint a trial went on from; null where it started anew.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory>
[[nodiscard]] const trial<Space>* continued_by(const study_state<Space, Objectives, Memory>& s, const trial<Space>& t) {
    if (!t.rung || !t.rung->promoted_from) return nullptr;
    const auto& below = s.trials()[static_cast<std::size_t>(*t.rung->promoted_from)];
    return below.fidelity == t.fidelity ? &below : nullptr;
}

/// Epochs that a trial has trained itself; what another program trained counts as it reported.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory>
[[nodiscard]] std::int64_t epochs_trained(const study_state<Space, Objectives, Memory>& s, const trial<Space>& t) {
    const auto& reported = s.more(t.number).epochs;
    const std::int64_t done =
        std::max<std::int64_t>(t.training.epochs, reported.empty() ? 0 : reported.rbegin()->first);
    const auto* const below = continued_by(s, t);
    return std::max<std::int64_t>(0, done - (below == nullptr ? 0 : below->last_epoch()));
}

/// Seconds that the study's trainings took; of trials that failed nothing is known.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory>
[[nodiscard]] double training_seconds(const study_state<Space, Objectives, Memory>& s) {
    double sum = 0;
    for (const auto& t : s.trials()) {
        const auto* const below = continued_by(s, t);
        sum += std::max(0.0, t.training.seconds - (below == nullptr ? 0 : below->training.seconds));
    }
    return sum;
}

/// A point behind each ended trial. Error: a reference point of another size or not finite.
template <SearchSpace Space, ObjectiveList Objectives, MemoryModel Memory>
[[nodiscard]] result<std::vector<curve_point>> curve_of(const study_state<Space, Objectives, Memory>& s,
                                                        std::span<const double> reference) {
    const auto& towards = objective_directions<Objectives>;
    std::vector<curve_point> curve;
    pareto_archive front(towards);
    curve_point now;
    for (const std::int32_t number : s.ended()) {
        const auto& t = s.trials()[static_cast<std::size_t>(number)];
        ++now.trials;
        now.epochs += epochs_trained(s, t);
        if (t.state == trial_state::complete && t.candidate.feasible && keeps_objective_limits<Objectives>(t.values) &&
            front.insert(t.number, t.values)) {
            std::vector<double> points;
            for (const auto& m : front.members()) points.insert(points.end(), m.values.begin(), m.values.end());
            const auto volume = hypervolume(points, reference, towards);
            if (!volume) return tl::unexpected<error>(volume.error());
            now.hypervolume = *volume;
            now.accuracy = std::max(now.accuracy, t.training.accuracy);
        }
        curve.push_back(now);
    }
    return curve;
}

/// What a curve has reached within a budget; nothing behind the start where the first trial is over it.
[[nodiscard]] inline curve_point within_trials(std::span<const curve_point> curve, std::int32_t budget) {
    const auto end =
        std::partition_point(curve.begin(), curve.end(), [&](const curve_point& p) { return p.trials <= budget; });
    return end == curve.begin() ? curve_point{} : *std::prev(end);
}
[[nodiscard]] inline curve_point within_epochs(std::span<const curve_point> curve, std::int64_t budget) {
    const auto end =
        std::partition_point(curve.begin(), curve.end(), [&](const curve_point& p) { return p.epochs <= budget; });
    return end == curve.begin() ? curve_point{} : *std::prev(end);
}

}  // namespace llmnas
