// SPDX-License-Identifier: MIT
/// \file
/// Objectives as a type list: what the Pareto front is made of.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <boost/hana/length.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/fixed_string.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/latency.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// Numbered as in Optuna's journal.
enum class direction : std::uint8_t { minimize = 1, maximize = 2 };

/// A value of a network that is known before it is trained, of its costs or of its operators.
template <class O>
concept CostObjective = requires(const costs& c) {
    { O::value(c) } -> std::convertible_to<double>;
}
|| requires(const graph_view& g) {
    { O::value(g) } -> std::convertible_to<double>;
};

/// A value of a trained network.
template <class O>
concept TrainedObjective = requires(const costs& c, const training_metrics& m) {
    { O::value(c, m) } -> std::convertible_to<double>;
};

/// A name, a direction and a value; all costs are at the deployment input. A member `limit`, in the unit of the value,
/// is what a network must keep: at most that much where less is better, else at least.
template <class O>
concept Objective = (CostObjective<O> || TrainedObjective<O>)&&requires {
    { O::name } -> std::convertible_to<std::string_view>;
    { O::towards } -> std::convertible_to<direction>;
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
    static double value(const costs& c) { return static_cast<double>(c.mac_count.value); }
};

struct parameter_objective {
    static constexpr std::string_view name = "params";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c) { return static_cast<double>(c.parameters.value); }
};

/// Peak SRAM under the memory model of the search, bytes.
struct sram_objective {
    static constexpr std::string_view name = "sram";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c) { return static_cast<double>(c.sram.size.value); }
};

/// Int8 flash, bytes.
struct flash_objective {
    static constexpr std::string_view name = "flash";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c) { return static_cast<double>(c.flash.value); }
};

namespace detail {

/// `sram (planned)`: what is measured, and the model that says so.
template <fixed_string What, class Model>
class name_with_model {
    static constexpr auto text = [] {
        constexpr std::string_view model = Model::name;
        std::array<char, What.view().size() + model.size() + 3> t{};
        std::size_t n = 0;
        const auto put = [&](std::string_view part) {
            for (const char c : part) t[n++] = c;
        };
        put(What.view());
        put(" (");
        put(model);
        put(")");
        return t;
    }();

public:
    static constexpr std::string_view value{text.data(), text.size()};
};

}  // namespace detail

/// Peak SRAM under a memory model of its own, bytes; the search's judges the budget.
template <MemoryModel Model>
struct sram_under {
    static constexpr std::string_view name = detail::name_with_model<"sram", Model>::value;
    static constexpr direction towards = direction::minimize;
    static double value(const graph_view& g) { return static_cast<double>(Model{}.peak(g).size.value); }
};

/// One inference under a latency model, milliseconds.
template <LatencyModel Model>
struct latency_objective {
    static constexpr std::string_view name = detail::name_with_model<"latency_ms", Model>::value;
    static constexpr direction towards = direction::minimize;
    static double value(const graph_view& g) { return Model{}.latency(g).value; }
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
                  "training_metrics&)`, `value(const costs&)` or `value(const graph_view&)` (see docs/objectives.md)");
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
    std::optional<double> limit = {};

    /// By how much a value breaks the limit; 0 where it keeps it.
    [[nodiscard]] constexpr double excess(double value) const {
        if (!limit) return 0;
        const double over = towards == direction::maximize ? *limit - value : value - *limit;
        return over > 0 ? over : 0;
    }
};

namespace detail {

template <Objective O>
[[nodiscard]] constexpr objective_info info_of() {
    if constexpr (requires { O::limit; }) {
        static_assert(std::convertible_to<decltype(O::limit), double>,
                      "llmnas: `limit` of an objective is a number in the unit of its value (see docs/objectives.md)");
        return {O::name, O::towards, static_cast<double>(O::limit)};
    } else {
        return {O::name, O::towards};
    }
}

template <class O>
concept ValueOfGraph = requires(const graph_view& g) {
    O::value(g);
};

template <Objective O>
[[nodiscard]] double value_of(const costs& c, const training_metrics& m, const graph_view& g) {
    if constexpr (ValueOfGraph<O>)
        return static_cast<double>(O::value(g));
    else if constexpr (CostObjective<O>)
        return static_cast<double>(O::value(c));
    else
        return static_cast<double>(O::value(c, m));
}

}  // namespace detail

template <ObjectiveList List>
inline constexpr auto objective_infos = boost::hana::unpack(List::types, [](auto... o) {
    return std::array<objective_info, sizeof...(o)>{detail::info_of<typename decltype(o)::type>()...};
});

/// Whether an objective of the list looks at operators, not at costs alone.
template <ObjectiveList List>
inline constexpr bool objectives_need_graph = boost::hana::unpack(List::types, [](auto... o) {
    return (detail::ValueOfGraph<typename decltype(o)::type> || ...);
});

template <ObjectiveList List>
inline constexpr bool objectives_have_limits = boost::hana::unpack(List::types, [](auto... o) {
    return (detail::info_of<typename decltype(o)::type>().limit.has_value() || ...);
});

/// Objective values of a trained network in the order of the list, for lists that need no graph.
template <ObjectiveList List>
    requires(!objectives_need_graph<List>)
[[nodiscard]] std::vector<double> objective_values(const costs& c, const training_metrics& m) {
    return boost::hana::unpack(List::types, [&](auto... o) {
        return std::vector<double>{detail::value_of<typename decltype(o)::type>(c, m, graph_view{})...};
    });
}

/// Objective values of a trained candidate in the order of the list.
template <ObjectiveList List, class Candidate>
    requires requires(const Candidate& c) { c.cost, c.network; }
[[nodiscard]] std::vector<double> objective_values(const Candidate& c, const training_metrics& m) {
    if constexpr (objectives_need_graph<List>) {
        const dynamic_graph graph(c.network);
        return boost::hana::unpack(List::types, [&](auto... o) {
            return std::vector<double>{detail::value_of<typename decltype(o)::type>(c.cost, m, graph.view())...};
        });
    } else {
        return objective_values<List>(c.cost, m);
    }
}

/// Whether values, in the order of the list, keep every limit of the objectives.
template <ObjectiveList List>
[[nodiscard]] bool keeps_objective_limits(std::span<const double> values) {
    bool kept = values.size() == objective_count<List>;
    for (std::size_t k = 0; kept && k < values.size(); ++k) kept = !(objective_infos<List>[k].excess(values[k]) > 0);
    return kept;
}

/// The first limit of an objective known before training that a network breaks, in words.
template <ObjectiveList List>
[[nodiscard]] std::optional<error> broken_objective_limit(const costs& c, const graph_view& g) {
    std::optional<error> broken;
    const auto check = [&](auto o) {
        using O = typename decltype(o)::type;
        if constexpr (CostObjective<O> && requires { O::limit; }) {
            constexpr objective_info info = detail::info_of<O>();
            const double value = detail::value_of<O>(c, {}, g);
            if (broken || info.excess(value) <= 0) return;
            const bool most = info.towards == direction::minimize;
            broken = error{errc::over_budget, fmt::format("{} over the limit", info.name), "network",
                           fmt::format("{:.10g}", value),
                           fmt::format("at {} {:.10g}", most ? "most" : "least", *info.limit)};
        }
    };
    boost::hana::unpack(List::types, [&](auto... o) { (check(o), ...); });
    return broken;
}

}  // namespace llmnas
