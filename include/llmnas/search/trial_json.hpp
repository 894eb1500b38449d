// SPDX-License-Identifier: MIT
/// \file
/// A new trial as members of a record of Optuna's journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <llmnas/json/json_value.hpp>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/space_json.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/history_json.hpp>
#include <llmnas/search/proposal_record.hpp>
#include <llmnas/search/rung.hpp>
#include <llmnas/search/study_state.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// `rejected` and `calls`, each where it is not empty.
[[nodiscard]] inline json_value spent_json(const rejection_counts& rejected, const proposal_counters& counters) {
    json_value r = json_value::object();
    for (std::size_t k = 0; k < rejection_kinds; ++k)
        if (rejected[k] != 0) r["rejected"][std::string(name_of(static_cast<rejection_kind>(k)))] = rejected[k];
    if (auto calls = counters_json(counters); !calls.empty()) r["calls"] = std::move(calls);
    return r;
}

/// Parameters, or the whole architecture where it lies outside the space, costs and history.
template <SearchSpace Space>
[[nodiscard]] json_value new_trial_json(const candidate<Space>& c, const proposal_record& proposal, const fidelity& f,
                                        std::uint64_t seed) {
    json_value r{{"datetime_start", detail::journal_time()},
                 {"state", static_cast<int>(trial_state::running)},
                 {"value", nullptr},
                 {"values", nullptr},
                 {"intermediate_values", json_value::object()}};
    json_value user;  // not a reference into r, whose members move when it grows
    const auto point = encode<Space>(c.network);
    if (point.violation) {
        r["distributions"] = json_value::object();
        r["params"] = json_value::object();
        user["architecture"] = to_json<Space>(c.network)["candidate_config"]["blocks"];
    } else {
        auto stored = point_to_params<Space>(point.point);
        r["distributions"] = std::move(stored.distributions);
        r["params"] = std::move(stored.params);
    }
    user["proposer"] = proposal.proposer;
    user["macs"] = c.cost.mac_count.value;
    user["params"] = c.cost.parameters.value;
    user["flash"] = c.cost.flash.value;
    user["sram"] = c.cost.sram.size.value;
    user["feasible"] = c.feasible;
    user["fidelity"] = f;
    user["seed"] = seed;
    if (proposal.rung) user["rung"] = to_json(*proposal.rung);
    user.update(history_json(proposal.history));
    user.update(spent_json(proposal.rejected, proposal.counters));
    r["user_attrs"] = std::move(user);
    return r;
}

}  // namespace llmnas
