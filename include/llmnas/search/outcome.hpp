// SPDX-License-Identifier: MIT
/// \file
/// What a search has found: the Pareto front and the most accurate trial.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
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

/// Front and best of a study's trials. Infeasible trials, and those over the limit of an objective, never enter the
/// front.
template <ObjectiveList Objectives, SearchSpace Space>
[[nodiscard]] search_outcome outcome_of(std::span<const trial<Space>> trials) {
    search_outcome o;
    pareto_archive archive(objective_directions<Objectives>);
    for (const auto& t : trials) {
        if (t.state == trial_state::failed) ++o.failed;
        if (t.state != trial_state::complete) continue;
        ++o.finished;
        if (t.candidate.feasible && keeps_objective_limits<Objectives>(t.values)) archive.insert(t.number, t.values);
        if (!o.best || t.training.accuracy > trials[static_cast<std::size_t>(*o.best)].training.accuracy)
            o.best = t.number;
    }
    o.front = archive.trials();
    return o;
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
