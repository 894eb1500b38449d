// SPDX-License-Identifier: MIT
/// \file
/// A checked explanation as Markdown and as JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
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

struct explanation_report {
    std::string network;             ///< its name
    std::string author;              ///< who explained it: a model, a file; empty: nobody
    std::optional<double> accuracy;  ///< of 1, measured
    std::vector<checked_statement> statements;
    design_evidence evidence;
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

namespace report_parts {

/// Text inside a cell or an item of Markdown: what would be read as markup is escaped.
[[nodiscard]] inline std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|' || c == '*' || c == '`' || c == '<' || c == '[' || c == '\\' || c == '#') out += '\\';
        out += c;
    }
    return out;
}

[[nodiscard]] inline double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// `81,963,264 (-3.1 %)`.
[[nodiscard]] inline std::string changed(std::uint64_t before, std::uint64_t after) {
    if (before == after) return "as before";
    return fmt::format("{} ({:+.1f} %)", detail::grouped(after), 100 * (share(after, before) - 1));
}

/// Two cells: bytes, and their share of the peak.
[[nodiscard]] inline std::string sram_text(const network_facts& f, bytes b) {
    if (!f.memory_covered) return "? |";
    return fmt::format("{} | {:.1f} %", detail::grouped(b.value), 100 * share(b.value, f.total.sram.size.value));
}

[[nodiscard]] inline std::string shares_table(const design_evidence& e) {
    const network_facts& f = e.facts;
    std::string t =
        "| | MACs | share | parameters | share | flash B | most SRAM B | of the peak "
        "|\n|---|--:|--:|--:|--:|--:|--:|--:|\n";
    const auto line = [&](const std::string& name, macs m, params p, bytes flash, const std::string& sram) {
        t += fmt::format("| {} | {} | {:.1f} % | {} | {:.1f} % | {} | {} |\n", name, detail::grouped(m.value),
                         100 * share(m.value, f.total.mac_count.value), detail::grouped(p.value),
                         100 * share(p.value, f.total.parameters.value), detail::grouped(flash.value), sram);
    };
    macs m = f.total.mac_count;
    params p = f.total.parameters;
    bytes flash = f.total.flash;
    for (std::size_t i = 0; i < f.stages.size(); ++i) {
        const stage_facts& s = f.stages[i];
        line(fmt::format("stage {}", i + 1), s.mac_count, s.parameters, s.flash, sram_text(f, s.sram));
        m.value -= std::min(m.value, s.mac_count.value);
        p.value -= std::min(p.value, s.parameters.value);
        flash.value -= std::min(flash.value, s.flash.value);
    }
    line("outside the stages", m, p, flash, " |");
    line("network", f.total.mac_count, f.total.parameters, f.total.flash, sram_text(f, f.total.sram.size));
    return t;
}

[[nodiscard]] inline std::string effects_table(const design_evidence& e, std::size_t most) {
    const costs& now = e.facts.total;
    const bool measured =
        std::any_of(e.effects.begin(), e.effects.end(), [](const auto& c) { return c.accuracy.has_value(); });
    std::string t = "| change | MACs | parameters | peak SRAM B |";
    t += measured ? " measured accuracy |\n|---|--:|--:|--:|--:|\n" : "\n|---|--:|--:|--:|\n";
    const std::size_t n = e.effects.size();
    for (std::size_t i = 0; i < n; ++i) {
        if (n > most && i == (most + 1) / 2) {  // the middle says least
            t += fmt::format("| {} more | | |{}\n", n - most, measured ? " |" : "");
            i += n - most;
            if (i >= n) break;
        }
        const change_effect& c = e.effects[i];
        t += fmt::format("| {} | {} | {} | {} |", escaped(c.change.text()),
                         changed(now.mac_count.value, c.after.mac_count.value),
                         changed(now.parameters.value, c.after.parameters.value),
                         e.facts.memory_covered ? changed(now.sram.size.value, c.after.sram.size.value) : "?");
        if (measured) t += c.accuracy ? fmt::format(" {} |", detail::percent(*c.accuracy)) : " |";
        t += '\n';
    }
    return t;
}

[[nodiscard]] inline json_value costs_json(const costs& c, bool covered) {
    json_value j{{"macs", c.mac_count.value}, {"params", c.parameters.value}, {"flash", c.flash.value}};
    if (covered)
        j["sram"] = c.sram.size.value;
    else
        j["sram"] = nullptr;
    return j;
}

}  // namespace report_parts

/// The report as Markdown; of the changes at most `most_changes`, from both ends of the list.
[[nodiscard]] inline std::string to_markdown(const explanation_report& r, std::size_t most_changes = 12) {
    using namespace report_parts;
    const design_evidence& e = r.evidence;
    std::string t = fmt::format("# {}\n\n", escaped(r.network));
    if (r.author.empty()) {
        t += "No explanation was given; what follows is computed.\n";
    } else {
        const verdict_counts n = count_verdicts(r.statements);
        t += fmt::format("Explanation by {}: {} claims true, {} false, {} unclear; {} sentences not checkable.\n\n",
                         escaped(r.author), n.yes, n.no, n.unclear, n.uncheckable);
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
        json_value j{{"place", c.change.place},
                     {"field", std::string(c.change.field)},
                     {"from", c.change.from},
                     {"to", c.change.to},
                     {"after", report_parts::costs_json(c.after, e.facts.memory_covered)}};
        if (c.accuracy) j["accuracy"] = *c.accuracy;
        effects.push_back(std::move(j));
    }
    const verdict_counts n = count_verdicts(r.statements);
    json_value j{{"network", r.network}};
    if (r.author.empty())
        j["explanation"] = nullptr;
    else
        j["explanation"] = json_value{{"by", r.author},
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
    return j;
}

}  // namespace llmnas
