// SPDX-License-Identifier: MIT
/// \file
/// Points of a space as named parameters, as Optuna stores them: one categorical parameter per stage and axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/space/canonical.hpp>

namespace llmnas {

/// Choices of axis k as a JSON array.
template <SearchSpace Space>
[[nodiscard]] nlohmann::ordered_json choices_to_json(std::size_t k) {
    auto list = nlohmann::ordered_json::array();
    std::size_t i = 0;
    detail::for_each_axis<Space>([&](auto a) {
        if (i++ != k) return;
        for (const auto& choice : decltype(a)::choices) list.push_back(value_to_json<typename Space::blocks>(choice));
    });
    return list;
}

/// `stage1.kernel_size`; stages count from 1.
[[nodiscard]] inline std::string parameter_name(std::size_t stage, std::string_view axis) {
    return fmt::format("stage{}.{}", stage + 1, axis);
}

/// Optuna's text of a categorical distribution, byte for byte as Python's json.dumps writes it.
template <SearchSpace Space>
[[nodiscard]] const std::string& distribution_text(std::size_t k) {
    static const std::vector<std::string> texts = [] {
        std::vector<std::string> all;
        for (std::size_t i = 0; i < axis_count<Space>; ++i) {
            std::string choices;
            for (const auto& choice : choices_to_json<Space>(i))
                choices += (choices.empty() ? "" : ", ") + choice.dump();
            all.push_back(R"({"name": "CategoricalDistribution", "attributes": {"choices": [)" + choices + "]}}");
        }
        return all;
    }();
    return texts[k];
}

/// A point as Optuna's journal stores it.
struct point_params {
    nlohmann::ordered_json params = nlohmann::ordered_json::object();         ///< name -> number of the choice
    nlohmann::ordered_json distributions = nlohmann::ordered_json::object();  ///< name -> text of the distribution
};

/// Parameters and distributions of a point; axes that do not exist in a stage are left out.
template <SearchSpace Space>
[[nodiscard]] point_params point_to_params(const space_point<Space>& p) {
    point_params stored;
    for (std::size_t s = 0; s < Space::stages; ++s) {
        const auto stage = detail::decode_stage<Space>(p.choice[s]);
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto a) {
            const std::size_t axis = k++;
            if (!decltype(a)::active(stage)) return;
            const std::string name = parameter_name(s, decltype(a)::name);
            stored.params[name] = p.choice[s][axis];
            stored.distributions[name] = distribution_text<Space>(axis);
        });
    }
    return stored;
}

/// Inverse of point_to_params(). Distributions of another writer may list the choices in another order.
template <SearchSpace Space>
[[nodiscard]] result<space_point<Space>> point_from_params(const nlohmann::ordered_json& params,
                                                           const nlohmann::ordered_json& distributions) {
    space_point<Space> p;
    error problem;
    bool failed = false;
    for (std::size_t s = 0; s < Space::stages && !failed; ++s) {
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto a) {
            const std::size_t axis = k++;
            if (failed || !decltype(a)::active(detail::decode_stage<Space>(p.choice[s]))) return;
            const std::string name = parameter_name(s, decltype(a)::name);
            const auto refuse = [&](std::string what, std::string got, std::string wanted) {
                failed = true;
                problem = {errc::bad_input, std::move(what), "parameter " + name, std::move(got), std::move(wanted)};
            };
            if (!params.contains(name) || !distributions.contains(name))
                return refuse("missing parameter or distribution", "", "a choice of " + std::string(Space::name));
            const auto& index = params[name];
            const auto& text = distributions[name];
            if (!index.is_number() || !text.is_string() || index.template get<double>() < 0 ||
                index.template get<double>() > 255)
                return refuse("not the number of a choice", detail::shown(index), "0 or more");
            const auto chosen = static_cast<std::size_t>(index.template get<double>());
            if (text.template get_ref<const std::string&>() == distribution_text<Space>(axis)) {
                if (chosen >= decltype(a)::size)
                    return refuse("choice out of range", fmt::format("{}", chosen),
                                  fmt::format("less than {}", decltype(a)::size));
                p.choice[s][axis] = static_cast<std::uint8_t>(chosen);
                return;
            }
            const auto distribution =
                nlohmann::ordered_json::parse(text.template get_ref<const std::string&>(), nullptr, false);
            const nlohmann::ordered_json::json_pointer where("/attributes/choices");
            if (distribution.is_discarded() || !distribution.contains(where) || chosen >= distribution.at(where).size())
                return refuse("unreadable distribution", detail::shown(text), distribution_text<Space>(axis));
            const auto ours = choices_to_json<Space>(axis);
            for (std::size_t i = 0; i < ours.size(); ++i)
                if (ours[i] == distribution.at(where)[chosen]) {
                    p.choice[s][axis] = static_cast<std::uint8_t>(i);
                    return;
                }
            refuse("value outside the search space", detail::shown(distribution.at(where)[chosen]),
                   allowed_values<Space>(axis));
        });
    }
    if (failed) return tl::unexpected<error>(std::move(problem));
    return p;
}

}  // namespace llmnas
