// SPDX-License-Identifier: MIT
/// \file
/// Architectures as JSON, in the paper's published format:
/// `{"candidate_config": {"input_channels": 3, "blocks": [{"output_channels": 16, ...}, ...]}}`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/architecture_reader.hpp>
#include <llmnas/json/field_json.hpp>
#include <llmnas/json/json_events.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// Names of the allowed values of axis k, as in messages: `one of 3, 5, 7`.
template <SearchSpace Space>
[[nodiscard]] std::string allowed_values(std::size_t k) {
    std::string text;
    std::size_t i = 0;
    detail::for_each_axis<Space>([&](auto a) {
        if (i++ != k) return;
        for (const auto& choice : decltype(a)::choices) {
            const auto j = value_to_json<typename Space::blocks>(choice);
            text += (text.empty() ? "one of " : ", ") + (j.is_string() ? j.template get<std::string>() : j.dump());
        }
    });
    return text;
}

/// Message of a network outside a space: stage, field, value and allowed values.
template <SearchSpace Space>
[[nodiscard]] error describe(const space_violation& v, const network_of<Space>& net) {
    if (v.what == space_violation::kind::fixed_field) {
        const auto wanted = detail::canonical_stage<typename Space::blocks>(
            detail::decode_stage<Space>(encode<Space>(net).point.choice[v.stage]));
        const auto found = detail::canonical_stage<typename Space::blocks>(net.stages[v.stage]);
        error e{errc::out_of_space, "value outside the search space", fmt::format("stage {}", v.stage + 1), "",
                fmt::format("a point of {}", Space::name)};
        detail::for_each_field<Space>([&](auto field) {
            using Field = decltype(field);
            if (!e.got.empty() || found.*Field::member == wanted.*Field::member) return;
            e.where = detail::field_place(v.stage, Field::name);
            e.got = detail::shown(value_to_json<typename Space::blocks>(found.*Field::member));
            e.wanted = detail::shown(value_to_json<typename Space::blocks>(wanted.*Field::member)) + ", fixed by " +
                       std::string(Space::name);
        });
        return e;
    }
    std::string got;
    std::size_t i = 0;
    detail::for_each_axis<Space>([&](auto a) {
        if (i++ == v.axis)
            got = detail::shown(value_to_json<typename Space::blocks>(net.stages[v.stage].*decltype(a)::member));
    });
    return {errc::out_of_space, "value outside the search space",
            detail::field_place(v.stage, axis_names<Space>[v.axis]), got, allowed_values<Space>(v.axis)};
}

/// The network in the published format.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json to_json(const network_of<Space>& net) {
    auto blocks = nlohmann::ordered_json::array();
    for (const auto& s : net.stages) {
        nlohmann::ordered_json block;
        detail::for_each_field<Space>([&](auto field) {
            block[std::string(field.name)] = value_to_json<typename Space::blocks>(s.*decltype(field)::member);
        });
        blocks.push_back(std::move(block));
    }
    nlohmann::ordered_json j;
    j["candidate_config"]["input_channels"] = net.input.channels;
    j["candidate_config"]["blocks"] = std::move(blocks);
    return j;
}

/// Reads a network: an array of stages, or an object with `blocks`, or one with `candidate_config`. Any legal value is
/// taken; whether the network lies in the space is a question of its own (encode()). Errors name stage and field.
template <SearchSpace Space>
[[nodiscard]] result<network_of<Space>> network_from_json(const nlohmann::ordered_json& document,
                                                          const shape& input = network_of<Space>{}.input,
                                                          std::int32_t classes = network_of<Space>{}.classes) {
    detail::architecture_reader<Space> reader(input, classes);
    detail::read_json(document, reader);
    return reader.finish();
}

/// The same from text, without building a document. Besides, text must be JSON as a whole, at most 64 levels deep, and
/// no member may stand twice in one object.
template <SearchSpace Space>
[[nodiscard]] result<network_of<Space>> network_from_text(std::string_view text,
                                                          const shape& input = network_of<Space>{}.input,
                                                          std::int32_t classes = network_of<Space>{}.classes) {
    detail::architecture_reader<Space> reader(input, classes);
    if (auto read = detail::read_json_text(text, reader); !read) return tl::unexpected<error>(std::move(read.error()));
    return reader.finish();
}

}  // namespace llmnas
