// SPDX-License-Identifier: MIT
/// \file
/// What a proposal looks like as a GBNF grammar, the format in which llama.cpp takes grammars
/// (grammars/README.md of its repository), generated from the axes of any space.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/json/schema.hpp>
#include <llmnas/json/stage_forms.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

namespace detail {

/// A text as a GBNF literal.
[[nodiscard]] inline std::string gbnf_literal(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out.append({'\\', c});
        else if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\x{:02X}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out + '"';
}

/// Names of the rules for the values of the axes: `kernel-size`. GBNF takes letters, digits and dashes.
template <SearchSpace Space>
[[nodiscard]] std::vector<std::string> gbnf_rule_names() {
    std::vector<std::string> names;
    for (const std::string_view axis : axis_names<Space>) {
        std::string name = "value-";
        for (const char c : axis) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            name += plain ? c : '-';
        }
        if (std::find(names.begin(), names.end(), name) != names.end()) name += fmt::format("-axis{}", names.size());
        names.push_back(std::move(name));
    }
    return names;
}

/// One rule for each form of a stage and each axis, and what they stand on.
template <SearchSpace Space>
[[nodiscard]] std::string gbnf_stage_rules() {
    const std::vector<std::string> rules = gbnf_rule_names<Space>();
    std::vector<std::vector<std::string>> values;
    for_each_axis<Space>([&](auto a) {
        auto& literals = values.emplace_back();
        for (const auto& choice : choices_json<Space, decltype(a)>()) literals.push_back(gbnf_literal(choice.dump()));
    });

    std::string out;
    const auto forms = stage_forms<Space>();
    if (forms.size() > 1) {
        out += "stage ::=";
        for (std::size_t f = 0; f < forms.size(); ++f) out += fmt::format("{} stage-{}", f > 0 ? " |" : "", f + 1);
        out += "\n";
    }
    for (std::size_t f = 0; f < forms.size(); ++f) {
        out += forms.size() > 1 ? fmt::format("stage-{} ::=", f + 1) : "stage ::=";
        out += R"( "{" ws)";
        // The first axis that exists is required: what it could depend on is no axis.
        bool first = true;
        for (std::size_t k = 0; k < rules.size(); ++k) {
            const axis_form& axis = forms[f][k];
            if (!axis.exists) continue;
            const std::string name = gbnf_literal(nlohmann::ordered_json(axis_names<Space>[k]).dump());
            const std::string member =
                fmt::format(R"({}{} ":" ws {} ws)", first ? "" : R"("," ws )", name,
                            axis.only == axis_form::any_choice ? rules[k] : values[k][axis.only]);
            out += axis.required ? " " + member : " (" + member + ")?";
            first = false;
        }
        out += " \"}\"\n";
    }
    for (std::size_t k = 0; k < rules.size(); ++k) {
        const bool used = std::any_of(forms.begin(), forms.end(), [k](const auto& form) {
            return form[k].exists && form[k].only == axis_form::any_choice;
        });
        if (!used) continue;
        out += rules[k] + " ::=";
        for (std::size_t c = 0; c < values[k].size(); ++c) out += (c > 0 ? " | " : " ") + values[k][c];
        out += "\n";
    }
    // At most one blank, or a line break and twelve blanks: a model cannot get lost in them.
    return out + R"(ws ::= (" " | "\n" ("  " ("  " ("  " ("  " ("  " "  "?)?)?)?)?)?)?)" + "\n";
}

/// `count` times the rule `item` as a JSON array.
[[nodiscard]] inline std::string gbnf_array(std::string_view item, std::size_t count) {
    std::string out = R"("[" ws)";
    for (std::size_t i = 0; i < count; ++i) out += fmt::format("{} {} ws", i > 0 ? R"( "," ws)" : "", item);
    return out + " \"]\"";
}

}  // namespace detail

/// GBNF grammar of a proposal: the same language as proposal_schema(), with the members in the order of the axes and
/// blanks bounded. Repetition is written out, so that every version of llama.cpp reads it.
template <SearchSpace Space>
[[nodiscard]] std::string proposal_grammar() {
    return "root ::= " + detail::gbnf_array("stage", Space::stages) + "\n" + detail::gbnf_stage_rules<Space>();
}

/// GBNF grammar of an array of exactly `networks` proposals.
template <SearchSpace Space>
[[nodiscard]] std::string batch_grammar(std::size_t networks) {
    return "root ::= " + detail::gbnf_array("network", networks) +
           "\nnetwork ::= " + detail::gbnf_array("stage", Space::stages) + "\n" + detail::gbnf_stage_rules<Space>();
}

}  // namespace llmnas
