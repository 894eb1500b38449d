// SPDX-License-Identifier: MIT
/// \file
/// A trial of a study on disk, as a design to be explained: its costs, its accuracy, and the trials beside it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cli/study_files.hpp>
#include <llmnas/llm/explanation_report.hpp>
#include <llmnas/search/outcome.hpp>

namespace llmnas::cli {

/// A report without statements yet, and what the proposer said.
struct study_trial {
    explanation_report report;
    std::string explanation;  ///< of the proposal; empty: it gave none
    std::string proposer;
};

namespace detail {

/// Number of the trial that is explained, with how it was chosen.
[[nodiscard]] inline result<std::pair<std::int32_t, std::string>> choose_trial(
    const std::vector<trial<table1_se>>& trials, std::optional<std::int32_t> wanted, const std::string& dir) {
    using chosen = std::pair<std::int32_t, std::string>;
    const auto outcome = outcome_of<paper_objectives, table1_se>(std::span(trials));
    if (wanted) {
        if (*wanted < 0 || static_cast<std::size_t>(*wanted) >= trials.size())
            return fail(errc::bad_input, "no such trial", dir, fmt::format("--trial {}", *wanted),
                        trials.empty() ? "a study with trials" : fmt::format("0 to {}", trials.size() - 1));
        const auto& t = trials[static_cast<std::size_t>(*wanted)];
        if (t.state != trial_state::complete)
            return fail(errc::bad_input, "the trial has no result", fmt::format("{}, trial {}", dir, *wanted),
                        t.failure.empty() ? std::string(name_of(t.state)) : "failed: " + t.failure, "a complete trial");
        const bool on_front = std::binary_search(outcome.front.begin(), outcome.front.end(), *wanted);
        return chosen{*wanted,
                      fmt::format("Trial {}, {}, of {} finished trials.", *wanted,
                                  on_front ? "on the Pareto front" : "not on the Pareto front", outcome.finished)};
    }
    if (const auto winner = winner_of(std::span(trials), outcome))
        return chosen{
            *winner, fmt::format("Trial {}, the most accurate one on the Pareto front, of {} finished trials.", *winner,
                                 outcome.finished)};
    if (!outcome.best)
        return fail(errc::bad_input, "the study has no finished trial", dir, fmt::format("{} trials", trials.size()));
    return chosen{*outcome.best, fmt::format("Trial {}, the most accurate one: none of {} finished trials keeps the "
                                             "limits.",
                                             *outcome.best, outcome.finished)};
}

}  // namespace detail

/// Reads a trial of a study: `number`, else the most accurate one on the front, else the most accurate one.
[[nodiscard]] inline result<study_trial> read_study_trial(const std::string& dir, std::optional<std::int32_t> number) {
    const auto study = read_study_on_disk(dir);
    if (!study) return tl::unexpected<error>(study.error());
    const auto& trials = study->journal.trials();
    auto chosen = detail::choose_trial(trials, number, dir);
    if (!chosen) return tl::unexpected<error>(std::move(chosen).error());

    const trial<table1_se>& t = trials[static_cast<std::size_t>(chosen->first)];
    const auto net = make_checked(t.candidate.network, fmt::format("trial {} of {}", t.number, dir));
    study_trial out{{}, t.history.explanation, t.proposer};
    explanation_report& r = out.report;
    r.network = net.name;
    r.accuracy = t.training.accuracy;
    r.evidence = evidence_of(net.graph.view(), study->task.memory, net.for_each_change);
    r.evidence.measured = measured_effects<table1_se>(trials, t);
    r.notes.push_back(std::move(chosen->second));
    r.notes.push_back(
        fmt::format("Proposed by {}{}.", t.proposer, t.candidate.feasible ? "" : "; over a limit of the study"));
    if (!t.history.repaired.empty())
        r.notes.push_back("The proposal was repaired before its training: " + t.history.repaired +
                          ". What its proposer said is about the network before that.");
    return out;
}

}  // namespace llmnas::cli
