// SPDX-License-Identifier: MIT
/// \file
/// Repairs inside a stage: fields under other names, values in other forms. What comes out is the stage as the library
/// writes it, as far as it is clear; the reader of architectures judges it.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <boost/hana/unpack.hpp>
#include <nlohmann/json.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/field_json.hpp>
#include <llmnas/json/repairs.hpp>
#include <llmnas/json/synonyms.hpp>
#include <llmnas/space/canonical.hpp>

namespace llmnas::detail {

/// Whether some stage of the space does without the field: its axis is conditional or missing, or a block type has a
/// rule that the field is without effect.
template <SearchSpace Space, auto Member>
[[nodiscard]] constexpr bool may_be_absent() {
    bool always = false;
    for_each_axis<Space>([&](auto a) {
        if constexpr (same_member<decltype(a)::member, Member>) always = !decltype(a)::conditional;
    });
    boost::hana::unpack(Space::blocks::types, [&](auto... blocks) {
        (for_each_rule<typename decltype(blocks)::type>([&](auto rule) {
             if constexpr (same_member<decltype(rule)::member, Member>) always = false;
         }),
         ...);
    });
    return !always;
}

/// Fields of a stage by number: names, and which may be absent.
template <SearchSpace Space>
struct field_table {
    static constexpr std::size_t count = unpack_fields<Space>([](auto... f) { return sizeof...(f); });
    static constexpr std::array<std::string_view, count> names =
        unpack_fields<Space>([](auto... f) { return std::array<std::string_view, count>{decltype(f)::name...}; });
    static constexpr std::array<bool, count> absent = unpack_fields<Space>(
        [](auto... f) { return std::array<bool, count>{may_be_absent<Space, decltype(f)::member>()...}; });

    [[nodiscard]] static meaning find(std::string_view word) {
        return meaning_of(
            word, count, [](std::size_t i) { return names[i]; }, field_synonyms);
    }
};

[[nodiscard]] inline bool all_digits(std::string_view s) {
    for (const char c : s)
        if (c < '0' || c > '9') return false;
    return !s.empty();
}

/// A plain decimal number as a whole text.
[[nodiscard]] inline std::optional<double> number_in(std::string_view s) {
    double d = 0;
    const auto r = std::from_chars(s.data(), s.data() + s.size(), d);
    if (s.empty() || s.size() > 40 || r.ec != std::errc{} || r.ptr != s.data() + s.size() || !std::isfinite(d))
        return {};
    return d;
}

/// A number written as text for the field that `is_field(word)` accepts: "3", "+3", "3x3", "k3", "3 layers", and of a
/// fraction "1/4" and "25%".
template <class IsField>
[[nodiscard]] std::optional<double> number_from_text(std::string_view s, bool fraction, IsField is_field) {
    constexpr std::string_view blanks = " \t\n()[]";
    if (s.size() > 60) return {};
    const auto trim = [&](std::string_view v) {
        v.remove_prefix(std::min(v.find_first_not_of(blanks), v.size()));
        return v.substr(0, v.find_last_not_of(blanks) + 1);
    };
    s = trim(s);
    if (s.size() > 1 && s[0] == '+' && s[1] != '-') s.remove_prefix(1);
    if (const auto d = number_in(s)) return d;
    // k3, kernel_size=3, 3 layers: the word must name this very field.
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    if (!s.empty() && is_letter(s.front())) {
        const std::size_t end = s.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_ ");
        if (end == std::string_view::npos || !is_field(trim(s.substr(0, end)))) return {};
        s = s.substr(end);
        if (s.front() == '=' || s.front() == ':' || s.front() == '-') s = trim(s.substr(1));
        return number_in(s);
    }
    if (const std::size_t unit = s.find_first_of(" "); unit != std::string_view::npos && is_letter(s.back()))
        if (is_field(trim(s.substr(unit)))) return number_in(s.substr(0, unit));
    // 3x3, 3 × 3, (3, 3): all parts the same.
    for (const std::string_view between : {"x", "X", "*", "\xC3\x97", ","}) {
        const std::size_t cut = s.find(between);
        if (cut == std::string_view::npos) continue;
        const auto first = number_in(trim(s.substr(0, cut)));
        const auto second = number_in(trim(s.substr(cut + between.size())));
        if (first && second && *first == *second) return first;
        return {};
    }
    if (!fraction) return {};
    if (s.ends_with('%'))
        if (const auto d = number_in(trim(s.substr(0, s.size() - 1)))) return *d / 100;
    if (const std::size_t slash = s.find('/'); slash != std::string_view::npos) {
        const auto num = number_in(trim(s.substr(0, slash)));
        const auto den = number_in(trim(s.substr(slash + 1)));
        if (num && den && *den > 0) return *num / *den;
    }
    return {};
}

/// A whole number as JSON's integer where it is one exactly.
[[nodiscard]] inline nlohmann::ordered_json as_number(double d) {
    if (d == std::floor(d) && std::abs(d) < 9e15) return static_cast<std::int64_t>(d);
    return d;
}

/// A value of a field of type T put into the form in which the library writes it, where its meaning is clear; else it
/// stays as it is. `Field` is the number of the field.
template <SearchSpace Space, class T, std::size_t Field>
void repair_value(nlohmann::ordered_json& v, repair_counts& repairs) {
    const auto text = [&v]() -> const std::string& { return v.get_ref<const std::string&>(); };
    const auto become = [&](nlohmann::ordered_json better, repair_kind kind) {
        v = std::move(better);
        repairs.add(kind);
    };
    if constexpr (std::is_same_v<T, bool>) {
        if (v.is_boolean()) return;
        const std::string word = v.is_string() ? plain_word(text()) : v.is_number_integer() ? v.dump() : std::string();
        if (word.empty()) return;
        if (true_words.has(word) || false_words.has(word)) become(true_words.has(word), repair_kind::boolean_form);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, ratio>) {
        if (v.is_array() && !v.empty() && v.size() <= 3 && v[0].is_number() &&
            std::all_of(v.begin(), v.end(), [&v](const auto& e) { return e == v[0]; }))
            become(nlohmann::ordered_json(v[0]), repair_kind::number_text);
        if (v.is_string()) {
            const auto is_field = [](std::string_view word) {
                const meaning m = field_table<Space>::find(word);
                return m && m.index == Field;
            };
            if (const auto d = number_from_text(text(), !std::is_integral_v<T>, is_field))
                become(as_number(*d), repair_kind::number_text);
        }
        if (std::is_integral_v<T> && v.is_number_float())
            if (auto whole = as_number(v.get<double>()); whole.is_number_integer())
                become(std::move(whole), repair_kind::whole_float);
    } else {
        using names = names_of<typename Space::blocks, T>;
        if (!v.is_string() && !v.is_null() && !v.is_boolean()) return;
        const std::string word = v.is_string() ? text() : v.is_null() ? "none" : v.dump();
        const meaning m = meaning_of(word, names::count, names::name, value_synonyms);
        if (m && !(m.exact && v.is_string())) become(std::string(names::name(m.index)), repair_kind::value_name);
    }
}

/// Repairs the stages of one space.
template <SearchSpace Space>
class stage_repair {
public:
    using fields = field_table<Space>;

    /// Whether an object looks like a stage: some member with a plain value names a field, and none holds stages.
    [[nodiscard]] static bool looks_like_stage(const nlohmann::ordered_json& j) {
        if (!j.is_object()) return false;
        bool named = false;
        for (const auto& m : j.items()) {
            const auto& v = m.value();
            if (v.is_object() || (v.is_array() && !v.empty() && v[0].is_structured())) return false;
            named = named || fields::find(m.key());
        }
        return named;
    }

    /// The stage with number `index` (from 0) in the library's form. Error: two members that name one field with
    /// different values.
    [[nodiscard]] static std::optional<error> repair(nlohmann::ordered_json& stage, std::size_t index,
                                                     repair_counts& repairs) {
        auto out = nlohmann::ordered_json::object();
        for (auto& m : stage.items()) {
            auto& v = m.value();
            const meaning field = fields::find(m.key());
            const std::string word = plain_word(m.key());
            const bool spelled = field && plain_word(fields::names[field.index]) == word;
            if (!spelled && is_annotation(word, v, index)) {
                repairs.add(repair_kind::annotation);
                continue;
            }
            if (!field) {
                out.emplace(m.key(), std::move(v));
                continue;
            }
            if (!field.exact) repairs.add(repair_kind::field_name);
            value_repairs[field.index](v, repairs);
            if (fields::absent[field.index] && is_absent(v)) {
                repairs.add(repair_kind::absent_value);
                continue;
            }
            const auto at = out.find(fields::names[field.index]);
            if (at == out.end()) {
                out.emplace(fields::names[field.index], std::move(v));
                continue;
            }
            if (*at != v)
                return error{errc::bad_input, "two members for one field with different values",
                             field_place(index, fields::names[field.index]), shown(*at) + " and " + shown(v),
                             "one value"};
            repairs.add(repair_kind::repeated_member);
        }
        stage = std::move(out);
        return std::nullopt;
    }

private:
    using value_repair = void (*)(nlohmann::ordered_json&, repair_counts&);

    template <std::size_t... I>
    [[nodiscard]] static constexpr auto make_value_repairs(std::index_sequence<I...>) {
        return unpack_fields<Space>([](auto... f) {
            return std::array<value_repair, sizeof...(f)>{&repair_value<
                Space, typename member_pointer<std::remove_cv_t<decltype(decltype(f)::member)>>::value_type, I>...};
        });
    }
    static constexpr std::array<value_repair, fields::count> value_repairs =
        make_value_repairs(std::make_index_sequence<fields::count>{});

    [[nodiscard]] static bool is_absent(const nlohmann::ordered_json& v) {
        return v.is_null() || (v.is_string() && absent_words.has(plain_word(v.get_ref<const std::string&>())));
    }

    /// A note, or the number of this stage, from 0 or 1 on ("stage": 2, "id": "stage_2").
    [[nodiscard]] static bool is_annotation(const std::string& word, const nlohmann::ordered_json& v,
                                            std::size_t index) {
        if (word.empty()) return false;
        if (v.is_string()) {
            const std::string& text = v.get_ref<const std::string&>();
            if (note_members.has(word)) return true;
            const std::size_t digits = std::min(text.find_last_not_of("0123456789") + 1, text.size());
            const std::string_view number = std::string_view(text).substr(digits);
            return number_members.has(word) &&
                   (number == fmt::format("{}", index) || number == fmt::format("{}", index + 1));
        }
        return number_members.has(word) && v.is_number_integer() && (v == index || v == index + 1);
    }
};

}  // namespace llmnas::detail
