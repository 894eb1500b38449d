// SPDX-License-Identifier: MIT
/// \file
/// What happens in a search as JSON lines on stdout, for programs (`llmnas search --json`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/json_value.hpp>
#include <llmnas/json/training_json.hpp>
#include <llmnas/search/journal_lock.hpp>
#include <llmnas/search/outcome.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/rung.hpp>

namespace llmnas::cli {

/// `{"event": NAME, ...}`, flushed: a reader of a pipe has it at once.
inline void print_event(std::string_view name, const json_value& members) {
    json_value line{{"event", name}};
    line.update(members);
    fmt::print("{}\n", line.dump(-1, ' ', false, json_value::error_handler_t::replace));
    std::fflush(stdout);
}

/// Those that are not 0, by name.
[[nodiscard]] inline json_value rejections_json(const rejection_counts& counts) {
    json_value j = json_value::object();
    for (std::size_t k = 0; k < rejection_kinds; ++k)
        if (counts[k] > 0) j[std::string(name_of(static_cast<rejection_kind>(k)))] = counts[k];
    return j;
}

[[nodiscard]] inline json_value waits_json(const lock_waits& w) {
    return {{"count", w.count},
            {"seconds_waited", w.seconds},
            {"longest_seconds", w.longest},
            {"taken_over", w.taken_over}};
}

template <class Trial>
void print_started(const Trial& t) {
    const costs& c = t.candidate.cost;
    print_event("trial_started", {{"trial", t.number},
                                  {"proposer", t.proposer},
                                  {"macs", c.mac_count.value},
                                  {"params", c.parameters.value},
                                  {"sram_bytes", c.sram.size.value},
                                  {"flash_bytes", c.flash.value}});
}

template <class Trial>
void print_ended(const Trial& t, const search_outcome& known) {
    json_value members{{"trial", t.number}, {"state", name_of(t.state)}, {"values", t.values}, {"front", known.front}};
    if (t.state == trial_state::complete || t.state == trial_state::pruned) members["training"] = t.training;
    if (t.rung) members["rung"] = to_json(*t.rung);
    if (!t.failure.empty()) members["failure"] = t.failure;
    print_event("trial_ended", members);
}

}  // namespace llmnas::cli
