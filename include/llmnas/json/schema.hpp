// SPDX-License-Identifier: MIT
/// \file
/// What a proposal looks like in JSON, generated from the axes of any space: its JSON Schema, its choices, a network in
/// that form, and a reader whose errors say what the space would have allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/stage_forms.hpp>
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

/// Schema of a stage of one form.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json stage_schema(const stage_form<Space>& form) {
    nlohmann::ordered_json j{{"type", "object"}};
    j["properties"] = nlohmann::ordered_json::object();
    j["required"] = nlohmann::ordered_json::array();
    j["additionalProperties"] = false;
    std::size_t k = 0;
    for_each_axis<Space>([&](auto a) {
        const axis_form& axis = form[k++];
        if (!axis.exists) return;
        auto values = choices_json<Space, decltype(a)>();
        if (axis.only != axis_form::any_choice) values = nlohmann::ordered_json::array({values[axis.only]});
        j["properties"][std::string(a.name)]["enum"] = std::move(values);
        if (axis.required) j["required"].push_back(std::string(a.name));
    });
    return j;
}

[[nodiscard]] inline nlohmann::ordered_json array_schema(std::size_t count, nlohmann::ordered_json items) {
    return {{"type", "array"}, {"minItems", count}, {"maxItems", count}, {"items", std::move(items)}};
}

}  // namespace detail

/// JSON Schema of a proposal: an array of exactly `Space::stages` objects with the axes as members, in order, each one
/// of its choices. An axis under a condition is a member exactly where the condition holds (`anyOf`); where that would
/// take more than 16 alternatives, all conditional axes are optional instead.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json proposal_schema() {
    const auto forms = detail::stage_forms<Space>();
    nlohmann::ordered_json items;
    if (forms.size() == 1) {
        items = detail::stage_schema<Space>(forms.front());
    } else {
        items["anyOf"] = nlohmann::ordered_json::array();
        for (const auto& form : forms) items["anyOf"].push_back(detail::stage_schema<Space>(form));
    }
    return detail::array_schema(Space::stages, std::move(items));
}

/// JSON Schema of an array of exactly `networks` proposals.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json batch_schema(std::size_t networks) {
    return detail::array_schema(networks, proposal_schema<Space>());
}

/// Characters of an explanation beside a proposal at most: a dozen sentences.
inline constexpr std::size_t explanation_characters = 999;

/// JSON Schema of a proposal with its explanation: an object with `blocks`, as proposal_schema() says, and behind it
/// `explanation`, a text of at most explanation_characters. The network comes first: an answer that is cut loses words.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json explained_schema() {
    nlohmann::ordered_json j{{"type", "object"}};
    j["properties"]["blocks"] = proposal_schema<Space>();
    j["properties"]["explanation"] = {{"type", "string"}, {"maxLength", explanation_characters}};
    j["required"] = nlohmann::ordered_json::array({"blocks", "explanation"});
    j["additionalProperties"] = false;
    return j;
}

/// JSON Schema of an array of exactly `networks` proposals, each with its explanation.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json explained_batch_schema(std::size_t networks) {
    return detail::array_schema(networks, explained_schema<Space>());
}

/// The schema as the only member `blocks` of an object, for servers that take no other root (OpenAI's structured
/// outputs). The parser of replies reads both.
[[nodiscard]] inline nlohmann::ordered_json schema_in_object(nlohmann::ordered_json schema) {
    nlohmann::ordered_json j{{"type", "object"}};
    j["properties"]["blocks"] = std::move(schema);
    j["required"] = nlohmann::ordered_json::array({"blocks"});
    j["additionalProperties"] = false;
    return j;
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

/// A network with its explanation, in the form that explained_schema() describes.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json explained_json(const network_of<Space>& net, const std::string& explanation) {
    return {{"blocks", proposal_json<Space>(net)}, {"explanation", explanation}};
}

/// Reads a proposal. Like network_from_json(), but an error in a stage says what the space allows there: a value that
/// is no value of the axis is errc::out_of_space; whatever is no architecture at all is errc::bad_input. It takes a
/// document and no text: replies are read by parse_reply() (json/reply.hpp).
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
