// SPDX-License-Identifier: MIT
/// \file
/// A network from a file or the zoo, with what can be changed about it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/hana/unpack.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/json/network_file.hpp>
#include <llmnas/search/field_changes.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/list.hpp>

namespace llmnas::cli {

/// A network to look at. Its design is behind functions, so that what looks at it is compiled once for all designs.
struct checked_network {
    using change_visitor = std::function<void(const field_change&, const graph_view&)>;

    std::string name;
    std::string remark;  ///< whether it lies in the default search space, of networks from files
    dynamic_graph graph;
    /// Calls the visitor for every legal network with another value of one field, field by field.
    std::function<void(const change_visitor&)> for_each_change;
    /// Lowers the same design for its input scaled to so many pixels along the longer side; the graph then has its
    /// errors.
    std::function<void(std::int32_t, dynamic_graph&)> lower_at;
};

/// A legal input in the same proportions, with `side` pixels along the longer side and at least one along the other.
[[nodiscard]] constexpr shape scaled_to(const shape& input, std::int32_t side) noexcept {
    const std::int64_t longer = std::max(input.height, input.width);
    const auto along = [&](std::int64_t extent) {
        return static_cast<std::int32_t>(std::max<std::int64_t>(1, (extent * side + longer / 2) / longer));
    };
    return {input.channels, along(input.height), along(input.width)};
}

template <LowersToOperators Design>
[[nodiscard]] checked_network make_checked(const Design& design, std::string name, std::string remark = {}) {
    return {std::move(name), std::move(remark), dynamic_graph(design),
            [design](const checked_network::change_visitor& visit) {
                dynamic_graph graph;
                for_each_field_change(design, [&](const field_change& change, const Design& changed) {
                    graph.lower(changed);
                    if (!graph.error()) visit(change, graph.view());
                });
            },
            [design](std::int32_t side, dynamic_graph& graph) {
                Design resized = design;
                resized.input = scaled_to(design.input, side);
                graph.lower(resized);
            }};
}

namespace detail {

/// Least number of characters to insert, remove or replace (Levenshtein).
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t k = 1; k <= b.size(); ++k)
            diagonal = std::exchange(
                row[k], std::min({row[k] + 1, row[k - 1] + 1, diagonal + (a[i - 1] == b[k - 1] ? 0U : 1U)}));
    }
    return row.back();
}

}  // namespace detail

/// Names separated by commas, those that look most like `wanted` first.
[[nodiscard]] inline std::string nearest_first(std::vector<std::string_view> names, std::string_view wanted) {
    std::stable_sort(names.begin(), names.end(), [&](std::string_view a, std::string_view b) {
        return detail::edit_distance(a, wanted) < detail::edit_distance(b, wanted);
    });
    std::string text;
    for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

/// What replaces a design's own input and classes; networks from files have none of their own.
struct deployment {
    std::optional<shape> input;
    std::optional<std::int32_t> classes;
};

/// A network of the zoo; nothing where it has none of this name.
[[nodiscard]] inline std::optional<checked_network> network_from_zoo(const std::string& name,
                                                                     const deployment& replaced = {}) {
    std::optional<checked_network> found;
    boost::hana::unpack(zoo::entries, [&](auto... entries) {
        const auto look = [&](auto entry) {
            using E = typename decltype(entry)::type;
            if (E::name != name) return;
            auto design = E::design;
            if (replaced.input) design.input = *replaced.input;
            if (replaced.classes) design.classes = *replaced.classes;
            found = make_checked(design, name);
        };
        (look(entries), ...);
    });
    return found;
}

/// A network by its name in the zoo or from a JSON file in the published format, which is read for the given input and
/// classes.
[[nodiscard]] inline result<checked_network> network_named(const std::string& name, const deployment& replaced,
                                                           const shape& input, std::int32_t classes) {
    if (auto found = network_from_zoo(name, replaced)) return std::move(*found);
    std::error_code ec;
    if (!std::filesystem::exists(name, ec)) {
        const auto names = boost::hana::unpack(zoo::entries, [](auto... entries) {
            return std::vector<std::string_view>{decltype(entries)::type::name...};
        });
        return fail(errc::bad_input, "neither a file nor a network of the zoo", "network", name,
                    "a JSON file or one of " + nearest_first(names, name));
    }
    auto net = network_from_file<table1_se>(name, input, classes);
    if (!net) return tl::unexpected<error>(net.error());
    const auto violation = encode<table1_se>(*net).violation;
    return make_checked(
        *net, name,
        violation ? "; not in " + std::string(table1_se::name) + ": " + describe<table1_se>(violation, *net).text()
                  : "; in " + std::string(table1_se::name));
}

}  // namespace llmnas::cli
