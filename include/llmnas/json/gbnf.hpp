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

/// `item (item (...)?)?`, `count` times at most; nested, so that a reader never has two ways.
[[nodiscard]] inline std::string gbnf_up_to(std::string_view item, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += fmt::format("{}({}", i > 0 ? " " : "", item);
    for (std::size_t i = 0; i < count; ++i) out += ")?";
    return out;
}

/// The rule `text`, a JSON string of at most explanation_characters, and what it stands on. Hundreds, tens and ones are
/// counted apart: a reader has three ways at a time, not one for each length. An escape is one character.
[[nodiscard]] inline std::string gbnf_text_rules() {
    static_assert(explanation_characters == 999, "three digits, each up to 9");
    const auto ten_times = [](std::string_view item) {
        std::string out(item);
        for (int i = 1; i < 10; ++i) out.append(" ").append(item);
        return out;
    };
    std::string out = R"(text ::= "\"" )";
    for (const char* const digit : {"hundred", "ten", "char"}) out += gbnf_up_to(digit, 9) + ' ';
    return out + R"("\"")" + "\nhundred ::= " + ten_times("ten") + "\nten ::= " + ten_times("char") +
           R"(
char ::= [^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" hex hex hex hex)
hex ::= [0-9a-fA-F]
)";
}

/// The rule `explained`: a proposal with its explanation.
template <SearchSpace Space>
[[nodiscard]] std::string gbnf_explained_rules() {
    return R"(explained ::= "{" ws "\"blocks\"" ":" ws )" + gbnf_array("stage", Space::stages) +
           R"( ws "," ws "\"explanation\"" ":" ws text ws "}")" + "\n" + gbnf_text_rules() + gbnf_stage_rules<Space>();
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

/// GBNF grammar of a proposal with its explanation: the same language as explained_schema(), the network first.
template <SearchSpace Space>
[[nodiscard]] std::string explained_grammar() {
    return "root ::= explained\n" + detail::gbnf_explained_rules<Space>();
}

/// GBNF grammar of an array of exactly `networks` proposals, each with its explanation.
template <SearchSpace Space>
[[nodiscard]] std::string explained_batch_grammar(std::size_t networks) {
    return "root ::= " + detail::gbnf_array("explained", networks) + "\n" + detail::gbnf_explained_rules<Space>();
}

}  // namespace llmnas
