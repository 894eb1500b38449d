// SPDX-License-Identifier: MIT
/// \file
/// Candidates and trials: a network of a space with its costs, and what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/core/training.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// A network with its costs at the deployment input. `hash` is graph_hash() of its operators.
template <SearchSpace Space>
struct candidate {
    network_of<Space> network;
    costs cost;
    std::uint64_t hash = 0;
    /// Keeps every limit of the problem. Networks given by the user may not; they never enter the front.
    bool feasible = true;
};

/// How a trial's network came about.
struct proposal_history {
    /// Trials that were known when the proposer was asked, where it was asked ahead of time; else all before this one.
    std::optional<std::int32_t> shown = {};
    /// `sram: stage 1 stride 1 -> 2`: why the proposal was refused and what was changed; empty where it was taken.
    std::string repaired = {};
    std::string instead_of = {};  ///< why another proposer than the search's own proposed, if so
    /// What the proposer said about the network when it proposed it, before any training; of a repaired proposal about
    /// the network before the repair. UTF-8, mostly empty.
    std::string explanation = {};
    /// Name of the search's own proposer, or of its language model, whoever proposed this one: studies are compared by
    /// it.
    std::string search = {};
    friend bool operator==(const proposal_history&, const proposal_history&) = default;
};

/// As in Optuna's journal.
enum class trial_state : std::uint8_t { running = 0, complete = 1, pruned = 2, failed = 3, waiting = 4 };

[[nodiscard]] constexpr std::string_view name_of(trial_state s) noexcept {
    constexpr std::string_view names[] = {"running", "complete", "pruned", "failed", "waiting"};
    return names[static_cast<std::size_t>(s)];
}

/// Where a trial of successive halving stands (search/halving.hpp).
struct rung_position {
    std::int32_t number = 0;                         ///< of the rung, from 0
    std::int32_t of = 1;                             ///< rungs
    std::int32_t epochs = 0;                         ///< that the run ends behind
    std::optional<std::int32_t> promoted_from = {};  ///< trial of the same network on the rung below
    friend constexpr bool operator==(const rung_position&, const rung_position&) = default;

    [[nodiscard]] constexpr bool is_top() const noexcept { return number + 1 >= of; }
};

/// One candidate on its way through training.
template <SearchSpace Space>
struct trial {
    std::int32_t number = 0;  ///< from 0, in the order of the journal
    llmnas::candidate<Space> candidate;
    std::string proposer;  ///< name of the proposer, or "included"
    proposal_history history;
    llmnas::fidelity fidelity;
    std::uint64_t seed = 0;
    trial_state state = trial_state::running;
    training_metrics training;   ///< of complete and pruned trials
    std::vector<double> values;  ///< objective values of complete trials and, at their fidelity, of pruned ones
    std::string failure;         ///< reason, of failed trials
    std::optional<rung_position> rung = {};

    /// Epoch that the run ends behind.
    [[nodiscard]] std::int32_t last_epoch() const { return rung ? rung->epochs : fidelity.epochs; }
};

/// Name of the proposer of networks that the user gave.
inline constexpr std::string_view included_by_user = "included";

/// Whether a trial is a proposal of the search's own proposer: not a network that the user gave, nor one of evolution
/// in the proposer's stead, nor an earlier one on a higher rung.
template <SearchSpace Space>
[[nodiscard]] bool is_proposal(const trial<Space>& t) {
    return t.proposer != included_by_user && t.history.instead_of.empty() && !(t.rung && t.rung->promoted_from);
}

}  // namespace llmnas
