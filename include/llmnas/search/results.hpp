// SPDX-License-Identifier: MIT
/// \file
/// Results of a study for people's scripts: JSON and CSV, costs as exact integers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <llmnas/json/json_value.hpp>

#include <llmnas/core/version.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/history_json.hpp>
#include <llmnas/search/loop.hpp>

namespace llmnas {

/// Everything about a study as one JSON document: configuration, rejections, trials with their networks, front, best.
template <class Study, SearchSpace Space>
[[nodiscard]] json_value results_json(const Study& s, const search_outcome& outcome,
                                      std::span<const trial<Space>> trials) {
    json_value j;
    j["llmnas"] = version;
    j["config"] = s.config();
    for (std::size_t k = 0; k < rejection_kinds; ++k)
        j["rejections"][std::string(name_of(static_cast<rejection_kind>(k)))] = s.rejections()[k];
    if (auto calls = counters_json(s.counters()); !calls.empty()) j["calls"] = std::move(calls);
    j["front"] = outcome.front;
    j["best"] = outcome.best ? json_value(*outcome.best) : json_value(nullptr);
    j["trials"] = json_value::array();
    for (const auto& t : trials) {
        const costs& c = t.candidate.cost;
        json_value r{{"number", t.number},
                     {"state", name_of(t.state)},
                     {"proposer", t.proposer},
                     {"macs", c.mac_count.value},
                     {"params", c.parameters.value},
                     {"flash_bytes", c.flash.value},
                     {"sram_bytes", c.sram.size.value},
                     {"feasible", t.candidate.feasible},
                     {"seed", t.seed},
                     {"fidelity", t.fidelity}};
        if (t.state == trial_state::complete || t.state == trial_state::pruned) r["training"] = t.training;
        if (t.rung) r["rung"] = to_json(*t.rung);
        if (!t.failure.empty()) r["failure"] = t.failure;
        r.update(history_json(t.history));
        r["network"] = to_json<Space>(t.candidate.network)["candidate_config"];
        j["trials"].push_back(std::move(r));
    }
    return j;
}

/// One line a trial.
template <SearchSpace Space>
[[nodiscard]] std::string results_csv(const search_outcome& outcome, std::span<const trial<Space>> trials) {
    std::string csv =
        "number,state,proposer,accuracy,macs,params,flash_bytes,sram_bytes,feasible,on_front,epochs,seconds\n";
    for (const auto& t : trials) {
        const costs& c = t.candidate.cost;
        const bool on_front = std::binary_search(outcome.front.begin(), outcome.front.end(), t.number);
        const bool complete = t.state == trial_state::complete || t.state == trial_state::pruned;
        csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", t.number, name_of(t.state), t.proposer,
                           complete ? fmt::format("{}", t.training.accuracy) : "", c.mac_count.value,
                           c.parameters.value, c.flash.value, c.sram.size.value, t.candidate.feasible, on_front,
                           t.training.epochs, complete ? fmt::format("{:.2f}", t.training.seconds) : "");
    }
    return csv;
}

}  // namespace llmnas
