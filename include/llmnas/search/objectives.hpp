// SPDX-License-Identifier: MIT
/// \file
/// Objectives as a type list: what the Pareto front is made of.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <boost/hana/length.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/core/training.hpp>
#include <llmnas/cost/costs.hpp>

namespace llmnas {

/// Numbered as in Optuna's journal.
enum class direction : std::uint8_t { minimize = 1, maximize = 2 };

/// A name, a direction and the value of a trained network. Costs are at the deployment input.
template <class O>
concept Objective = requires(const costs& c, const training_metrics& m) {
    { O::name } -> std::convertible_to<std::string_view>;
    { O::towards } -> std::convertible_to<direction>;
    { O::value(c, m) } -> std::convertible_to<double>;
};

/// Top-1 on the validation split, as a fraction of 1.
struct accuracy_objective {
    static constexpr std::string_view name = "accuracy";
    static constexpr direction towards = direction::maximize;
    static double value(const costs&, const training_metrics& m) { return m.accuracy; }
};

struct mac_objective {
    static constexpr std::string_view name = "macs";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c, const training_metrics&) { return static_cast<double>(c.mac_count.value); }
};

struct parameter_objective {
    static constexpr std::string_view name = "params";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c, const training_metrics&) { return static_cast<double>(c.parameters.value); }
};

/// Peak SRAM under the memory model of the search, bytes.
struct sram_objective {
    static constexpr std::string_view name = "sram";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c, const training_metrics&) { return static_cast<double>(c.sram.size.value); }
};

/// Int8 flash, bytes.
struct flash_objective {
    static constexpr std::string_view name = "flash";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c, const training_metrics&) { return static_cast<double>(c.flash.value); }
};

/// A struct with `static constexpr auto types = hana::tuple_t<...>` of objectives.
template <class List>
concept ObjectiveList = requires {
    boost::hana::length(List::types);
};

/// The paper's objectives.
struct paper_objectives {
    static constexpr auto types = boost::hana::tuple_t<accuracy_objective, mac_objective, parameter_objective>;
};

template <ObjectiveList List>
inline constexpr std::size_t objective_count = decltype(boost::hana::length(List::types))::value;

template <ObjectiveList List>
inline constexpr auto objective_names = boost::hana::unpack(List::types, [](auto... o) {
    static_assert((Objective<typename decltype(o)::type> && ...),
                  "llmnas: an objective needs a name, a direction `towards` and `value(const costs&, const "
                  "training_metrics&)` (see docs/objectives.md)");
    return std::array<std::string_view, sizeof...(o)>{decltype(o)::type::name...};
});

template <ObjectiveList List>
inline constexpr auto objective_directions = boost::hana::unpack(List::types, [](auto... o) {
    return std::array<direction, sizeof...(o)>{decltype(o)::type::towards...};
});

/// What a proposer is told of an objective.
struct objective_info {
    std::string_view name;
    direction towards = direction::minimize;
};

template <ObjectiveList List>
inline constexpr auto objective_infos = boost::hana::unpack(List::types, [](auto... o) {
    return std::array<objective_info, sizeof...(o)>{
        objective_info{decltype(o)::type::name, decltype(o)::type::towards}...};
});

/// Objective values of a trained network in the order of the list.
template <ObjectiveList List>
[[nodiscard]] std::vector<double> objective_values(const costs& c, const training_metrics& m) {
    return boost::hana::unpack(List::types, [&](auto... o) {
        return std::vector<double>{static_cast<double>(decltype(o)::type::value(c, m))...};
    });
}

}  // namespace llmnas
