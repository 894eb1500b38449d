// SPDX-License-Identifier: MIT
/// \file
/// What was mended in the reply of a language model before it could be read, counted by kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace llmnas {

/// Kinds of repair; docs/language_models.md has an example of each.
enum class repair_kind : std::uint8_t {
    thoughts,            ///< a reasoning model's thoughts before the answer
    surrounding_text,    ///< prose or code fences around the JSON
    other_architecture,  ///< another architecture in the reply; the first one counts
    wrapped,             ///< stages under another name than `blocks`, or each under a name of its own
    missing_bracket,
    trailing_comma,
    missing_comma,
    comment,
    quotes,             ///< single quotes, typographic quotes
    bare_word,          ///< a name or text without quotes
    python_literal,     ///< True, False, None, a tuple
    escape,             ///< an escape that JSON has not, as Markdown's `\_`
    control_character,  ///< a raw line break or tabulator in a text
    repeated_member,    ///< the same member with the same value again
    field_name,         ///< another name or spelling of a field
    value_name,         ///< another name or spelling of a value
    number_text,        ///< a number as text: "3", "3x3", "k3", "1/4", or as a list of equal numbers
    whole_float,        ///< 3.0 where an integer belongs
    boolean_form,       ///< "true", "yes", 1
    absent_value,       ///< null, "none" for a field that may be without effect
    annotation,         ///< a member beside the fields: the stage's own number, a name, a note
};
inline constexpr std::size_t repair_kinds = 21;

[[nodiscard]] constexpr std::string_view name_of(repair_kind k) noexcept {
    constexpr std::string_view names[] = {"thoughts",          "surrounding_text", "other_architecture",
                                          "wrapped",           "missing_bracket",  "trailing_comma",
                                          "missing_comma",     "comment",          "quotes",
                                          "bare_word",         "python_literal",   "escape",
                                          "control_character", "repeated_member",  "field_name",
                                          "value_name",        "number_text",      "whole_float",
                                          "boolean_form",      "absent_value",     "annotation"};
    static_assert(sizeof(names) / sizeof(*names) == repair_kinds);
    return names[static_cast<std::size_t>(k)];
}

/// How often each kind of repair was made.
class repair_counts {
public:
    void add(repair_kind k, std::uint64_t n = 1) { counts_[static_cast<std::size_t>(k)] += n; }
    [[nodiscard]] std::uint64_t operator[](repair_kind k) const { return counts_[static_cast<std::size_t>(k)]; }

    [[nodiscard]] std::uint64_t total() const {
        std::uint64_t n = 0;
        for (const std::uint64_t c : counts_) n += c;
        return n;
    }

    repair_counts& operator+=(const repair_counts& other) {
        for (std::size_t i = 0; i < repair_kinds; ++i) counts_[i] += other.counts_[i];
        return *this;
    }
    friend bool operator==(const repair_counts&, const repair_counts&) = default;

    /// `trailing_comma 2, value_name 5`; empty where nothing was repaired.
    [[nodiscard]] std::string text() const {
        std::string out;
        for_each([&out](std::string_view name, std::uint64_t n) {
            out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, n);
        });
        return out;
    }

    /// f(name, count) for each kind that occurred.
    template <class F>
    void for_each(F&& f) const {
        for (std::size_t i = 0; i < repair_kinds; ++i)
            if (counts_[i] != 0) f(name_of(static_cast<repair_kind>(i)), counts_[i]);
    }

private:
    std::array<std::uint64_t, repair_kinds> counts_{};
};

/// `{"trailing_comma": 2}`: the kinds that occurred, for journals.
[[nodiscard]] inline nlohmann::ordered_json to_json(const repair_counts& counts) {
    auto j = nlohmann::ordered_json::object();
    counts.for_each([&j](std::string_view name, std::uint64_t n) { j[std::string(name)] = n; });
    return j;
}

}  // namespace llmnas
