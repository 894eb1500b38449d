// SPDX-License-Identifier: MIT
/// \file
/// Estimated latency of a network under every built-in latency model, as text.
#pragma once

#include <string>

#include <fmt/format.h>
#include <boost/hana/unpack.hpp>

#include <llmnas/cli/text_table.hpp>
#include <llmnas/cost/latency_list.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

/// A row a model with its leave-one-out error, and a sentence where the network has operators that no model has seen.
[[nodiscard]] inline std::string latency_table(const graph_view& g) {
    text_table table(
        {{"latency model", align::left}, {"ms", align::right}, {"error, mean", align::right}, {"worst", align::right}});
    boost::hana::unpack(latency_models, [&](auto... models) {
        const auto row = [&](auto model) {
            using Model = typename decltype(model)::type;
            const double ms = Model::latency(g).value;
            table.add({std::string(Model::name), fmt::format("{:.{}f}", ms, ms < 10 ? 2 : 0),
                       fmt::format("{:.1f} %", Model::fit.mean_error * 100),
                       fmt::format("{:.1f} %", Model::fit.worst_error * 100)});
        };
        (row(models), ...);
    });
    std::string text = table.text();
    if (const std::int32_t unseen = first_unseen_operator(g); unseen >= 0)
        text += fmt::format("The errors are those of MCUNet networks, none of which has an operator like {} ({}).\n",
                            unseen + 1, place_of(g.ops[static_cast<std::size_t>(unseen)].from));
    return text;
}

}  // namespace llmnas::cli
