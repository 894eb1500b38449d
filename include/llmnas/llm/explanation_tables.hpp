// SPDX-License-Identifier: MIT
/// \file
/// Tables of a checked explanation: shares of the stages, effects of changes, computed and measured.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/json/json_value.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/llm/explanation_evidence.hpp>

namespace llmnas::report_parts {

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

/// Changes of one field that were trained. `accuracy`: of the design itself.
[[nodiscard]] inline std::string measured_table(const design_evidence& e, std::optional<double> accuracy) {
    const costs& now = e.facts.total;
    std::string t =
        "| trial | change | accuracy | difference, points | MACs | parameters | peak SRAM B "
        "|\n|--:|---|--:|--:|--:|--:|--:|\n";
    for (const measured_effect& m : *e.measured)
        t += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", m.trial, escaped(m.change.text()),
                         detail::percent(m.accuracy),
                         accuracy ? fmt::format("{:+.2f}", 100 * (m.accuracy - *accuracy)) : "",
                         changed(now.mac_count.value, m.after.mac_count.value),
                         changed(now.parameters.value, m.after.parameters.value),
                         changed(now.sram.size.value, m.after.sram.size.value));
    return t;
}

[[nodiscard]] inline json_value change_json(const field_change& c) {
    json_value j{{"place", c.place}, {"field", std::string(c.field)}, {"from", c.from}, {"to", c.to}};
    if (!c.with.empty()) j["with"] = c.with;
    return j;
}

[[nodiscard]] inline json_value costs_json(const costs& c, bool covered) {
    json_value j{{"macs", c.mac_count.value}, {"params", c.parameters.value}, {"flash", c.flash.value}};
    if (covered)
        j["sram"] = c.sram.size.value;
    else
        j["sram"] = nullptr;
    return j;
}

[[nodiscard]] inline json_value measured_json(const design_evidence& e, std::optional<double> accuracy) {
    json_value list = json_value::array();
    for (const measured_effect& m : *e.measured) {
        json_value j{{"trial", m.trial}};
        j.update(change_json(m.change));
        j["accuracy"] = m.accuracy;
        if (accuracy) j["accuracy_difference"] = m.accuracy - *accuracy;
        j["after"] = costs_json(m.after, e.facts.memory_covered);
        list.push_back(std::move(j));
    }
    return list;
}

}  // namespace llmnas::report_parts
