// SPDX-License-Identifier: MIT
/// \file
/// What the journal says of how a trial came about.
#pragma once

#include <optional>
#include <string>

#include <llmnas/search/proposal_counters.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// Who proposed a trial and what the way to it took.
struct proposal_record {
    std::string proposer;
    proposal_history history = {};
    rejection_counts rejected{};      ///< proposals refused since the last trial
    proposal_counters counters = {};  ///< since the last trial
    std::optional<rung_position> rung = {};
};

}  // namespace llmnas
