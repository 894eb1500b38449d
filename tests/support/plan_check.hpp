// SPDX-License-Identifier: MIT
// Executes the plans of memory models f and g, with every option, and compares what they say with what was counted.
#pragma once

#include <algorithm>
#include <string>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/cost/memory_model_list.hpp>

#include "support/memory_simulator.hpp"

namespace plan_check {

using llmnas::frame;
using llmnas::plan_options;
using llmnas::planned;

inline constexpr auto models = boost::hana::tuple_t<
    planned<>, llmnas::planned_rows, llmnas::planned_rows_two_pass, planned<plan_options{.two_pass_se = true}>,
    planned<plan_options{.kernel_scratch = true}>,
    planned<plan_options{.input = frame::rows_streamed, .two_pass_se = true, .kernel_scratch = true}>,
    llmnas::streamed_prefix<>, llmnas::streamed_prefix_rows>;

/// What one model's plan does wrong, or nothing. `exact`: every row is needed and every ring filled, so that the
/// highest byte is the peak's and the second passes repeat all of their operators.
template <class Model>
std::string error(const llmnas::graph_view& g, bool exact) {
    const llmnas::memory_plan plan = Model::plan(g);
    const std::string name(Model::name);
    if (!(plan.peak == Model::peak(g))) return name + ": plan and peak differ";
    llmnas::bytes largest;
    for (const llmnas::plan_part& p : plan.parts()) largest = std::max(largest, p.size);
    if (largest != plan.peak.size) return name + ": no part is as large as the peak";
    try {
        const auto run = memory_simulation::simulate(g, plan, Model::options.kernel_scratch);
        if (run.moved != plan.moved.value)
            return name + ": moved " + std::to_string(run.moved) + ", planned " + std::to_string(plan.moved.value);
        if (run.recomputed > plan.recomputed.value || (exact && run.recomputed != plan.recomputed.value))
            return name + ": computed again " + std::to_string(run.recomputed) + ", planned " +
                   std::to_string(plan.recomputed.value);
        if (exact && run.end != plan.peak.size.value)
            return name + ": wrote up to byte " + std::to_string(run.end) + " of " +
                   std::to_string(plan.peak.size.value);
    } catch (const memory_simulation::failure& f) {
        return name + ": " + f.what();
    }
    return {};
}

/// The errors of all models, a line each.
inline std::string errors(const llmnas::graph_view& g, bool exact) {
    std::string all;
    boost::hana::for_each(models, [&](auto model) {
        const std::string text = error<typename decltype(model)::type>(g, exact);
        if (!text.empty()) all += text + "\n";
    });
    return all;
}

}  // namespace plan_check
