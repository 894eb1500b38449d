// SPDX-License-Identifier: MIT
// Memory models a to g against the brute force of support/brute_force_memory.hpp, which knows neither the library's
// operators nor its formulas.
#include <cstdint>
#include <string>
#include <string_view>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/brute_force_memory.hpp"
#include "support/catch.hpp"
#include "support/random_networks.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

// Compares one network; what differs, or nothing.
std::string difference(const architecture<5>& net) {
    const dynamic_graph graph(net);
    const graph_view g = graph.view();
    const brute_force::walk n(net);
    std::string text;
    const auto compare = [&](std::string_view what, brute_force::i64 expected, std::uint64_t got) {
        if (static_cast<std::uint64_t>(expected) == got) return;
        text += std::string(what) + ": " + std::to_string(got) + " instead of " + std::to_string(expected) + "; ";
    };
    const auto compare_peak = [&](std::string_view what, const brute_force::peak& expected, const memory_peak& got) {
        compare(what, expected.size, got.activations().value);
        if (expected.at != got.at)
            text += std::string(what) + " at " + std::to_string(got.at) + ", not " + std::to_string(expected.at) + "; ";
    };
    if (g.ops.size() != n.operations.size()) text += "operators; ";

    compare_peak("a", brute_force::layerwise(n), layerwise::peak(g));
    const auto b = brute_force::arena(n);
    compare("b", b.maps.size, arena::peak(g).activations().value);
    compare("b's overhead", b.overhead, arena::peak(g).overhead.value);
    const auto c = brute_force::in_place_depthwise(n);
    compare_peak("c", c.maps, in_place_depthwise::peak(g));
    compare("c's overhead", c.overhead, in_place_depthwise::peak(g).overhead.value);
    compare_peak("d", brute_force::overlaid(n), overlaid::peak(g));
    const auto e = brute_force::fused_blocks(n);
    const memory_peak fused = fused_blocks::peak(g);
    compare("e", e.size, fused.size.value);
    if (fused.at < e.first_op || fused.at > e.last_op) text += "e is at " + std::to_string(fused.at) + "; ";
    compare("f", brute_force::streamed_prefix(n, false), streamed_prefix<>::peak(g).size.value);
    compare("f, rows", brute_force::streamed_prefix(n, true), streamed_prefix_rows::peak(g).size.value);
    compare("g", brute_force::planned(n, false), planned<>::peak(g).size.value);
    compare("g, rows", brute_force::planned(n, true), planned_rows::peak(g).size.value);
    compare("g, two passes", brute_force::planned(n, false, true),
            planned<plan_options{.two_pass_se = true}>::peak(g).size.value);
    compare("g, rows, two passes", brute_force::planned(n, true, true), planned_rows_two_pass::peak(g).size.value);
    return text;
}

template <class Draw>
void compare_random(std::uint64_t seed, int count, Draw&& draw) {
    splitmix64 rng{seed};
    for (int i = 0; i < count; ++i) {
        const architecture<5> net = draw(rng);
        if (const std::string text = difference(net); !text.empty())
            FAIL("network " << i << ": " << text << '\n' << random_networks::text(net));
    }
    SUCCEED();
}

architecture<5> any_size(splitmix64& rng) { return random_networks::draw(rng); }

}  // namespace

TEST_CASE("memory: the brute force has the reference values of the published networks", "[cost][memory]") {
    CHECK(difference(zoo::lmanet_elite).empty());
    CHECK(difference(zoo::lmanet_core).empty());
    // tests/static/memory_models.cpp has the library's.
    const brute_force::walk elite(zoo::lmanet_elite), core_net(zoo::lmanet_core);
    CHECK(brute_force::layerwise(elite).size == 204'800);
    CHECK(brute_force::layerwise(core_net).size == 307'200);
    CHECK(brute_force::arena(elite).maps.size + brute_force::arena(elite).overhead == 246'264);
    CHECK(brute_force::in_place_depthwise(elite).maps.size + brute_force::in_place_depthwise(elite).overhead ==
          257'288);
    CHECK(brute_force::overlaid(elite).size == 155'616);
    CHECK(brute_force::overlaid(core_net).size == 207'488);
    CHECK(brute_force::fused_blocks(elite).size == 104'976);
    CHECK(brute_force::fused_blocks(core_net).size == 115'232);
    CHECK(brute_force::streamed_prefix(elite, false) == 127'184);
    CHECK(brute_force::streamed_prefix(core_net, true) == 160'640);
    CHECK(brute_force::planned(elite, false) == 87'056);
    CHECK(brute_force::planned(core_net, false) == 92'512);
    CHECK(brute_force::planned(core_net, true) == 67'968);
    CHECK(brute_force::planned(elite, true, true) == 57'536);
}

TEST_CASE("memory: 10,000 random networks equal the brute force", "[cost][memory]") {
    compare_random(1, rounds(10'000), any_size);
}

TEST_CASE("memory: 5,000 networks on inputs of 1 to 9 rows and columns equal the brute force", "[cost][memory]") {
    compare_random(3, rounds(5'000), [](splitmix64& rng) { return random_networks::draw(rng, 1, 9); });
}

TEST_CASE("memory: 85,000 more random networks equal the brute force", "[.long][cost][memory]") {
    compare_random(2, 85'000, any_size);
}
