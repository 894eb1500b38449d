// SPDX-License-Identifier: MIT
// Memory models f and g: their plans are executed on addresses, byte by byte, in an arena of exactly the peak. Every
// read is checked, every element is computed as often as the plan says, and moves and recomputed work are what it says.
#include <cstdint>
#include <string>

#include <boost/hana/for_each.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/zoo/list.hpp>

#include "support/catch.hpp"
#include "support/plan_check.hpp"
#include "support/random_graphs.hpp"
#include "support/random_networks.hpp"

using namespace llmnas;

namespace {

void run_random_networks(std::uint64_t seed, int count, std::int64_t smallest, std::int64_t largest) {
    splitmix64 rng{seed};
    for (int legal = 0; legal < count;) {
        const auto net = random_networks::draw(rng, smallest, largest);
        const dynamic_graph graph(net);
        if (graph.error()) continue;
        ++legal;
        if (const std::string text = plan_check::errors(graph.view(), true); !text.empty())
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
        if (const std::string text = plan_check::errors(graph.view(), false); !text.empty())
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
        CHECK(plan_check::errors(graph.view(), true) == "");
    });
}

TEST_CASE("plans: 500 random networks of the paper's space run in their peak", "[cost][memory]") {
    run_random_networks(101, 500, 8, 20);
}

TEST_CASE("plans: 10,000 random graphs run in their peak", "[cost][memory]") { run_random_graphs(102, 10'000); }

TEST_CASE("plans: 20,000 random networks of the paper's space up to 48 pixels run in their peak",
          "[.long][cost][memory]") {
    run_random_networks(103, 20'000, 8, 48);
}

TEST_CASE("plans: 200 random networks of the paper's space at 160 pixels run in their peak", "[.long][cost][memory]") {
    run_random_networks(104, 200, 160, 160);
}

TEST_CASE("plans: 500,000 random graphs run in their peak", "[.long][cost][memory]") {
    run_random_graphs(105, 500'000);
}
