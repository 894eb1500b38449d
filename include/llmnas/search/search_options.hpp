// SPDX-License-Identifier: MIT
/// \file
/// What a search is told, and who watches it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include <llmnas/core/training.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/repair.hpp>
#include <llmnas/search/rung.hpp>

namespace llmnas {

struct search_options {
    std::int32_t trials = 12;  ///< trials in all, those of earlier runs of the study included; 0: no limit
    /// Proposals of the search's own proposer in all: trials, repaired or not, and rejections, those of earlier runs
    /// included; evolution in its stead does not count, and a proposer that retires ends the search. 0: no limit.
    std::int32_t proposals = 0;
    llmnas::fidelity fidelity = {};
    /// Trials climb these rungs; the last one is `fidelity`. Each run on a rung is a trial.
    std::optional<halving_options> halving = {};
    std::uint64_t seed = 0;
    std::int32_t max_rejections_in_row = 20;  ///< then evolution is asked once
    std::int32_t max_silences_in_row = 2;     ///< proposals without any reply of a server, then evolution is asked once
    std::optional<repair_options> repair = {};  ///< proposals over a limit or outside the space are repaired
    std::int32_t max_failures_in_row = 5;       ///< failed trainings, then the search gives up
    std::int32_t max_retries = 2;               ///< of a training whose process died, then the trial has failed
    std::int32_t max_dead_workers = 5;          ///< of one trial in a row without an epoch between, then it has failed
    bool wait_for_others = false;            ///< until trials that other workers run have ended, or can be taken over
    double max_seconds = 0;                  ///< no trial is started behind so much time; 0: no limit
    std::filesystem::path checkpoints = {};  ///< directory, empty for none
    std::function<bool()> interrupted = {};  ///< asked between steps
};

/// The null observer, to derive one's own from: every member may be hidden.
struct search_observer {
    template <class Trial>
    void trial_started(const Trial&) {}
    template <class Trial>
    void epoch_done(const Trial&, const epoch_report&) {}
    template <class Trial>
    void trial_ended(const Trial&) {}
    void rejected(std::string_view /*proposer*/, const rejection&) {}
    void message(std::string_view /*text*/) {}
};

}  // namespace llmnas
