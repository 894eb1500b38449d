// SPDX-License-Identifier: MIT
/// \file
/// What a proposal looks like in JSON, generated from the axes of any space: its JSON Schema, its choices, a network in
/// that form, and a reader whose errors say what the space would have allowed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/space/search_space.hpp>
#include <nlohmann/json.hpp>

namespace llmnas {

namespace detail {

template <SearchSpace Space, class Axis>
[[nodiscard]] nlohmann::ordered_json choices_json() {
    auto values = nlohmann::ordered_json::array();
    for (const auto& choice : Axis::choices) values.push_back(value_to_json<typename Space::blocks>(choice));
    return values;
}

/// Whether a condition of some axis reads the member.
template <SearchSpace Space, auto Member>
[[nodiscard]] constexpr bool decides_axes() {
    bool result = false;
    for_each_axis<Space>([&](auto a) { result = result || decltype(a)::template reads<Member>; });
    return result;
}

/// Combinations of the fields that conditions read.
template <SearchSpace Space>
[[nodiscard]] constexpr std::uint64_t schema_variants() {
    std::uint64_t n = 1;
    for_each_axis<Space>([&](auto a) {
        if constexpr (decides_axes<Space, decltype(a)::member>()) n *= decltype(a)::size;
    });
    return n;
}

/// Schema of one stage. `fixed[k]`: the number of the only choice of axis k, or any_choice.
inline constexpr std::size_t any_choice = ~std::size_t{0};
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json stage_schema(const typename Space::stage_type& s,
                                                  const std::array<std::size_t, axis_count<Space>>& fixed,
                                                  bool optional_axes) {
    nlohmann::ordered_json j{{"type", "object"}};
    j["properties"] = nlohmann::ordered_json::object();
    j["required"] = nlohmann::ordered_json::array();
    j["additionalProperties"] = false;
    std::size_t k = 0;
    for_each_axis<Space>([&](auto a) {
        const std::size_t axis = k++;
        const bool active = decltype(a)::active(s);
        if (!active && !optional_axes) return;
        auto values = choices_json<Space, decltype(a)>();
        if (fixed[axis] != any_choice) values = nlohmann::ordered_json::array({values[fixed[axis]]});
        j["properties"][std::string(a.name)]["enum"] = std::move(values);
        if (active) j["required"].push_back(std::string(a.name));
    });
    return j;
}

/// One schema for each combination of values of the fields that conditions read.
template <SearchSpace Space, std::size_t K = 0>
void append_variants(typename Space::stage_type s, std::array<std::size_t, axis_count<Space>> fixed,
                     nlohmann::ordered_json& out) {
    if constexpr (K == axis_count<Space>) {
        out.push_back(stage_schema<Space>(s, fixed, false));
    } else {
        using Axis = axis_at<Space, K>;
        if constexpr (decides_axes<Space, Axis::member>()) {
            if (Axis::active(s)) {
                for (std::size_t c = 0; c < Axis::size; ++c) {
                    s.*Axis::member = Axis::choices[c];
                    fixed[K] = c;
                    append_variants<Space, K + 1>(s, fixed, out);
                }
                return;
            }
        }
        append_variants<Space, K + 1>(s, fixed, out);
    }
}

}  // namespace detail

/// JSON Schema of a proposal: an array of exactly `Space::stages` objects with the axes as members, in order, each one
/// of its choices. An axis under a condition is a member exactly where the condition holds (`anyOf`); where that would
/// take more than 16 alternatives, all conditional axes are optional instead.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json proposal_schema() {
    std::array<std::size_t, axis_count<Space>> fixed{};
    fixed.fill(detail::any_choice);
    nlohmann::ordered_json items;
    if constexpr (constexpr auto n = detail::schema_variants<Space>(); n == 1 || n > 16) {
        items = detail::stage_schema<Space>({}, fixed, true);
        auto required = nlohmann::ordered_json::array();
        detail::for_each_axis<Space>([&](auto a) {
            if (!decltype(a)::conditional) required.push_back(std::string(a.name));
        });
        items["required"] = std::move(required);
    } else {
        items["anyOf"] = nlohmann::ordered_json::array();
        detail::append_variants<Space>({}, fixed, items["anyOf"]);
    }
    return {{"type", "array"}, {"minItems", Space::stages}, {"maxItems", Space::stages}, {"items", std::move(items)}};
}

/// The choices of each axis: `{"kernel_size": [3, 5, 7], ...}`.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json axes_json() {
    nlohmann::ordered_json j;
    detail::for_each_axis<Space>([&](auto a) { j[std::string(a.name)] = detail::choices_json<Space, decltype(a)>(); });
    return j;
}

/// A network in the form that proposal_schema() describes: axes that do not exist in a stage are left out.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json proposal_json(const network_of<Space>& net) {
    auto list = nlohmann::ordered_json::array();
    for (std::size_t s = 0; s < Space::stages; ++s) {
        auto stage = nlohmann::ordered_json::object();
        detail::for_each_axis<Space>([&](auto a) {
            if (decltype(a)::active(net.stages[s]))
                stage[std::string(a.name)] = value_to_json<typename Space::blocks>(net.stages[s].*decltype(a)::member);
        });
        list.push_back(std::move(stage));
    }
    return list;
}

/// Reads a proposal. Like network_from_json(), but an error in a stage says what the space allows there: a value that
/// is no value of the axis is errc::out_of_space; whatever is no architecture at all is errc::bad_input. It takes a
/// document and no text: a reply is searched for the proposal first (extract_proposal()).
template <SearchSpace Space>
[[nodiscard]] result<network_of<Space>> proposal_from_json(const nlohmann::ordered_json& document, const shape& input,
                                                           std::int32_t classes) {
    auto net = network_from_json<Space>(document, input, classes);
    if (net) return net;
    error e = std::move(net).error();
    for (std::size_t s = 0; s < Space::stages; ++s)
        for (std::size_t k = 0; k < axis_count<Space>; ++k) {
            if (e.where != detail::field_place(s, axis_names<Space>[k])) continue;
            e.wanted = allowed_values<Space>(k);
            if (!e.got.empty()) e.code = errc::out_of_space;
        }
    if (e.wanted.empty() && e.where.starts_with("stage ")) {
        std::string names;
        for (const std::string_view name : axis_names<Space>) names += (names.empty() ? "" : ", ") + std::string(name);
        e.wanted = "the members " + names;
    }
    return tl::unexpected<error>(std::move(e));
}

}  // namespace llmnas
