// SPDX-License-Identifier: MIT
/// \file
/// What a search has found: the Pareto front and the most accurate trial.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <llmnas/search/pareto.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// Trials on the front, and the most accurate one whether it keeps the limits or not.
struct search_outcome {
    std::vector<std::int32_t> front;
    std::optional<std::int32_t> best;
    std::int32_t finished = 0;  ///< complete trials
    std::int32_t failed = 0;
};

/// The same, kept up to date as trials end, in whatever order. Infeasible trials, and those over the limit of an
/// objective, never enter the front.
template <ObjectiveList Objectives, SearchSpace Space>
class outcome_tracker {
public:
    /// Takes in a trial; one that is open changes nothing. Each is given once.
    void add(const trial<Space>& t) {
        if (t.state == trial_state::failed) ++known_.failed;
        if (t.state != trial_state::complete) return;
        ++known_.finished;
        if (t.candidate.feasible && keeps_objective_limits<Objectives>(t.values))
            stale_ = archive_.insert(t.number, t.values) || stale_;
        const double accuracy = t.training.accuracy;
        if (!known_.best || accuracy > best_ || (accuracy == best_ && t.number < *known_.best))
            known_.best = t.number, best_ = accuracy;
    }

    /// Of the most accurate trial, a fraction of 1; 0 where none is complete.
    [[nodiscard]] double best_accuracy() const { return best_; }

    [[nodiscard]] const search_outcome& known() const {
        if (std::exchange(stale_, false)) known_.front = archive_.trials();
        return known_;
    }

private:
    pareto_archive archive_{objective_directions<Objectives>};
    double best_ = 0;
    mutable bool stale_ = false;  ///< the front of known_
    mutable search_outcome known_;
};

/// Front and best of a study's trials.
template <ObjectiveList Objectives, SearchSpace Space>
[[nodiscard]] search_outcome outcome_of(std::span<const trial<Space>> trials) {
    outcome_tracker<Objectives, Space> outcome;
    for (const auto& t : trials) outcome.add(t);
    return outcome.known();
}

/// The trial to deploy: the most accurate one on the front.
template <SearchSpace Space>
[[nodiscard]] std::optional<std::int32_t> winner_of(std::span<const trial<Space>> trials,
                                                    const search_outcome& outcome) {
    std::optional<std::int32_t> winner;
    for (const std::int32_t n : outcome.front)
        if (!winner || trials[static_cast<std::size_t>(n)].training.accuracy >
                           trials[static_cast<std::size_t>(*winner)].training.accuracy)
            winner = n;
    return winner;
}

}  // namespace llmnas
