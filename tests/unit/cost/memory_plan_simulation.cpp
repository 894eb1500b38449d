// SPDX-License-Identifier: MIT
// Memory models f and g: their plans are executed on addresses, byte by byte, in an arena of exactly the peak. Every
// read is checked, every element is computed as often as the plan says, and moves and recomputed work are what it says.
#include <algorithm>
#include <cstdint>
#include <string>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/zoo/list.hpp>

#include "support/catch.hpp"
#include "support/memory_simulator.hpp"
#include "support/random_graphs.hpp"
#include "support/random_networks.hpp"

using namespace llmnas;

namespace {

constexpr auto plan_models = boost::hana::tuple_t<
    planned<>, planned_rows, planned_rows_two_pass, planned<plan_options{.two_pass_se = true}>,
    planned<plan_options{.kernel_scratch = true}>,
    planned<plan_options{.input = frame::rows_streamed, .two_pass_se = true, .kernel_scratch = true}>,
    streamed_prefix<>, streamed_prefix_rows>;

/// What one model's plan does wrong, or nothing. `exact`: every row is needed and every ring filled, so that the
/// highest byte is the peak's and the second passes repeat all of their operators.
template <class Model>
std::string plan_error(const graph_view& g, bool exact) {
    const memory_plan plan = Model::plan(g);
    const std::string name(Model::name);
    if (plan.peak != Model::peak(g)) return name + ": plan and peak differ";
    bytes largest;
    for (const plan_part& p : plan.parts()) largest = std::max(largest, p.size);
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

std::string plan_errors(const graph_view& g, bool exact) {
    std::string all;
    boost::hana::for_each(plan_models, [&](auto model) {
        const std::string text = plan_error<typename decltype(model)::type>(g, exact);
        if (!text.empty()) all += text + "\n";
    });
    return all;
}

void run_random_networks(std::uint64_t seed, int count, std::int64_t smallest, std::int64_t largest) {
    splitmix64 rng{seed};
    for (int legal = 0; legal < count;) {
        const auto net = random_networks::draw(rng, smallest, largest);
        const dynamic_graph graph(net);
        if (graph.error()) continue;
        ++legal;
        if (const std::string text = plan_errors(graph.view(), true); !text.empty())
            FAIL(text << random_networks::text(net));
    }
    SUCCEED();
}

void run_random_graphs(std::uint64_t seed, int count) {
    splitmix64 rng{seed};
    for (int legal = 0; legal < count;) {
        const random_graph net = next_random_graph(rng, 14);
        const dynamic_graph graph(net);
        if (graph.error() || graph.view().ops.empty()) continue;
        ++legal;
        if (const std::string text = plan_errors(graph.view(), false); !text.empty())
            FAIL(text << "seed " << net.seed << ", input " << net.input.channels << "x" << net.input.height << "x"
                      << net.input.width);
    }
    SUCCEED();
}

}  // namespace

TEST_CASE("plans: every published design runs in its peak at its own resolution", "[cost][memory]") {
    boost::hana::for_each(zoo::entries, [](auto e) {
        using entry = typename decltype(e)::type;
        const dynamic_graph graph(entry::design);
        REQUIRE_FALSE(graph.error());
        INFO(entry::name);
        CHECK(plan_errors(graph.view(), true) == "");
    });
}

TEST_CASE("plans: 500 random networks of the paper's space run in their peak", "[cost][memory]") {
    run_random_networks(101, 500, 8, 20);
}

TEST_CASE("plans: 20,000 random graphs run in their peak", "[cost][memory]") { run_random_graphs(102, 20'000); }

TEST_CASE("plans: 20,000 random networks of the paper's space up to 48 pixels run in their peak",
          "[.long][cost][memory]") {
    run_random_networks(103, 20'000, 8, 48);
}

TEST_CASE("plans: 200 random networks of the paper's space at 160 pixels run in their peak", "[.long][cost][memory]") {
    run_random_networks(104, 200, 160, 160);
}

TEST_CASE("plans: 1,000,000 random graphs run in their peak", "[.long][cost][memory]") {
    run_random_graphs(105, 1'000'000);
}
