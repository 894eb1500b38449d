// SPDX-License-Identifier: MIT
/// \file
/// A checked explanation as Markdown and as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/json_value.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/llm/explanation_evidence.hpp>
#include <llmnas/llm/explanation_extract.hpp>
#include <llmnas/llm/explanation_tables.hpp>
#include <llmnas/llm/explanation_verify.hpp>

namespace llmnas {

/// A sentence with its claims and what they came to. Without claims it is not checkable.
struct checked_statement {
    std::string text;
    std::vector<std::pair<claim, checked_claim>> claims;
};

/// Every sentence of an explanation, checked against a network.
[[nodiscard]] inline std::vector<checked_statement> check_explanation(std::string_view text, const network_facts& net) {
    std::vector<checked_statement> checked;
    for (statement& s : statements_of(text, net.stages.size())) {
        checked_statement out{std::move(s.text), {}};
        for (claim& c : s.claims) {
            checked_claim result = check_claim(c, net);
            out.claims.emplace_back(std::move(c), std::move(result));
        }
        checked.push_back(std::move(out));
    }
    return checked;
}

/// When an explanation was written: what its author can have known.
enum class explanation_time : std::uint8_t { unknown, at_proposal, after_measurement };

[[nodiscard]] constexpr std::string_view name_of(explanation_time t) noexcept {
    constexpr std::string_view names[] = {"unknown", "at_proposal", "after_measurement"};
    return names[static_cast<std::size_t>(t)];
}

struct explanation_report {
    std::string network;             ///< its name
    std::string author;              ///< who explained it: a model, a file; empty: nobody
    std::optional<double> accuracy;  ///< of 1, measured
    std::vector<checked_statement> statements;
    design_evidence evidence;
    explanation_time written = explanation_time::unknown;
    std::vector<std::string> notes = {};  ///< sentences: how the network was chosen, where it comes from
};

struct verdict_counts {
    std::size_t yes = 0, no = 0, unclear = 0;
    std::size_t uncheckable = 0;  ///< sentences without a claim
};

[[nodiscard]] inline verdict_counts count_verdicts(std::span<const checked_statement> statements) {
    verdict_counts n;
    for (const checked_statement& s : statements) {
        if (s.claims.empty()) ++n.uncheckable;
        for (const auto& c : s.claims)
            ++(c.second.is == claim_verdict::yes ? n.yes : c.second.is == claim_verdict::no ? n.no : n.unclear);
    }
    return n;
}

/// The report as Markdown; of the changes at most `most_changes`, from both ends of the list.
[[nodiscard]] inline std::string to_markdown(const explanation_report& r, std::size_t most_changes = 12) {
    using namespace report_parts;
    const design_evidence& e = r.evidence;
    std::string t = fmt::format("# {}\n\n", escaped(r.network));
    for (const std::string& note : r.notes) t += escaped(note) + "\n\n";
    if (r.author.empty()) {
        t += fmt::format("No explanation was given; what follows is computed{}.\n", e.measured ? " or measured" : "");
    } else {
        constexpr std::string_view when[] = {"", ", written when it was proposed, before any measurement",
                                             ", written after its measurement"};
        const verdict_counts n = count_verdicts(r.statements);
        t += fmt::format("Explanation by {}{}: {} claims true, {} false, {} unclear; {} sentences not checkable.\n\n",
                         escaped(r.author), when[static_cast<std::size_t>(r.written)], n.yes, n.no, n.unclear,
                         n.uncheckable);
        for (const checked_statement& s : r.statements) {
            t += fmt::format("- {}\n", escaped(s.text));
            if (s.claims.empty()) t += "  - not checkable\n";
            for (const auto& [c, result] : s.claims)
                t += fmt::format("  - **{}**: `{}` ({})\n", name_of(result.is), c.text(), escaped(result.evidence));
        }
    }
    t += "\n## Costs by stage\n\n" + shares_table(e);
    if (r.accuracy) t += fmt::format("\nMeasured accuracy: {}.\n", detail::percent(*r.accuracy));
    if (!e.peak_place.empty())
        t += fmt::format("\nThe SRAM peak, {} B by the memory model {}, is at operator {}, {}.\n",
                         detail::grouped(e.facts.total.sram.size.value), escaped(e.facts.memory_model),
                         e.peak_operator + 1, escaped(e.peak_place));
    else if (!e.facts.memory_covered)
        t += fmt::format("\nThe memory model {} does not judge this network.\n", escaped(e.facts.memory_model));
    if (e.measured && e.measured->empty())
        t += "\n## Changes of one field, measured\n\nNo other finished trial of the study, trained at the same "
             "fidelity, "
             "differs in one field of one stage alone.\n";
    else if (e.measured)
        t +=
            "\n## Changes of one field, measured\n\nOther trials of the study at the same fidelity, each trained once: "
            "small differences of accuracy are noise.\n\n" +
            measured_table(e, r.accuracy);
    if (!e.effects.empty()) t += "\n## Changes of one field, computed\n\n" + effects_table(e, most_changes);
    return t;
}

/// The same with every change. Integers are exact.
[[nodiscard]] inline json_value to_json(const explanation_report& r) {
    const design_evidence& e = r.evidence;
    json_value statements = json_value::array(), stages = json_value::array(), effects = json_value::array();
    for (const checked_statement& s : r.statements) {
        json_value claims = json_value::array();
        for (const auto& [c, result] : s.claims)
            claims.push_back(
                {{"means", c.text()}, {"is", std::string(name_of(result.is))}, {"evidence", result.evidence}});
        statements.push_back({{"text", s.text}, {"checkable", !s.claims.empty()}, {"claims", std::move(claims)}});
    }
    for (const stage_facts& s : e.facts.stages)
        stages.push_back({{"macs", s.mac_count.value},
                          {"macs_share", report_parts::share(s.mac_count.value, e.facts.total.mac_count.value)},
                          {"params", s.parameters.value},
                          {"params_share", report_parts::share(s.parameters.value, e.facts.total.parameters.value)},
                          {"flash", s.flash.value},
                          {"sram", e.facts.memory_covered ? json_value(s.sram.value) : json_value(nullptr)},
                          {"sram_share", e.facts.memory_covered ? json_value(report_parts::share(
                                                                      s.sram.value, e.facts.total.sram.size.value))
                                                                : json_value(nullptr)}});
    for (const change_effect& c : e.effects) {
        json_value j = report_parts::change_json(c.change);
        j["after"] = report_parts::costs_json(c.after, e.facts.memory_covered);
        if (c.accuracy) j["accuracy"] = *c.accuracy;
        effects.push_back(std::move(j));
    }
    const verdict_counts n = count_verdicts(r.statements);
    json_value j{{"network", r.network}};
    if (!r.notes.empty()) j["notes"] = r.notes;
    if (r.author.empty())
        j["explanation"] = nullptr;
    else
        j["explanation"] = json_value{{"by", r.author},
                                      {"written", std::string(name_of(r.written))},
                                      {"true", n.yes},
                                      {"false", n.no},
                                      {"unclear", n.unclear},
                                      {"not_checkable", n.uncheckable},
                                      {"statements", std::move(statements)}};
    if (r.accuracy) j["accuracy"] = *r.accuracy;
    j["memory_model"] = e.facts.memory_model;
    j["costs"] = report_parts::costs_json(e.facts.total, e.facts.memory_covered);
    if (!e.peak_place.empty()) j["peak"] = json_value{{"operator", e.peak_operator}, {"place", e.peak_place}};
    j["stages"] = std::move(stages);
    j["changes"] = std::move(effects);
    if (e.measured) j["measured_changes"] = report_parts::measured_json(e, r.accuracy);
    return j;
}

}  // namespace llmnas
