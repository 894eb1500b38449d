// SPDX-License-Identifier: MIT
/// \file
/// How a trial's network came about, as members of JSON: in the journal and in the results.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <llmnas/json/json_value.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// `{"shown": 3, "repaired": "...", "explanation": "..."}`: those that are there.
[[nodiscard]] inline json_value history_json(const proposal_history& h) {
    json_value j = json_value::object();
    if (h.shown) j["shown"] = *h.shown;
    if (!h.repaired.empty()) j["repaired"] = h.repaired;
    if (!h.instead_of.empty()) j["instead_of"] = h.instead_of;
    if (!h.explanation.empty()) j["explanation"] = h.explanation;
    if (!h.search.empty()) j["search"] = h.search;
    return j;
}

/// Takes in one member of history_json(); others change nothing. Throws json_exception where it has another form.
inline void set_history(proposal_history& h, std::string_view key, const json_value& value) {
    if (key == "shown") h.shown = value.get<std::int32_t>();
    if (key == "repaired") h.repaired = value.get<std::string>();
    if (key == "instead_of") h.instead_of = value.get<std::string>();
    if (key == "explanation") h.explanation = value.get<std::string>();
    if (key == "search") h.search = value.get<std::string>();
}

}  // namespace llmnas
