// SPDX-License-Identifier: MIT
#include <cstdint>
#include <set>

#include <llmnas/cost/memory/planned.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"

using namespace llmnas;
using space = table1_se;

namespace {

struct deep : table1 {
    static constexpr std::size_t stages = 11;
};

trial<space> finished(std::int32_t number, const candidate<space>& c, double accuracy) {
    trial<space> t;
    t.number = number;
    t.candidate = c;
    t.state = trial_state::complete;
    t.training.accuracy = accuracy;
    return t;
}

}  // namespace

TEST_CASE("gate: each limit is a rejection with the current value and the wanted range", "[search]") {
    const auto why = [](problem p) {
        const auto v = gate<space>(p).judge(zoo::lmanet_elite);
        return v ? "taken" : std::string(name_of(v.error().kind)) + " | " + v.error().why.text();
    };
    problem p;
    CHECK(why(p) == "taken");
    p.min_macs = macs{81'963'265};
    CHECK(why(p) == "macs_low | network: too few MACs (got 81963264, wanted 81963265 to 350000000)");
    p = {};
    p.max_macs = macs{81'963'263};
    CHECK(why(p) == "macs_high | network: too many MACs (got 81963264, wanted 70000000 to 81963263)");
    p = {};
    p.limits.sram = bytes{204'799};
    CHECK(why(p) ==
          "sram | stage 3 block 1 expand: peak SRAM over the limit (got 204800, wanted at most 204799 bytes)");
    p = {};
    p.limits.flash = bytes{535'169};
    CHECK(why(p) == "flash | network: flash over the limit (got 535170, wanted at most 535169 bytes)");
}

TEST_CASE("gate: duplicates are networks with the same operators", "[search]") {
    gate<space> judge{problem{}};
    auto first = judge.judge(zoo::lmanet_elite);
    REQUIRE(first);
    judge.remember(*first, 4);
    auto same = zoo::lmanet_elite;
    same.stages[0].expansion_factor = 6;  // of a depthwise stage
    same.stages[1].se_ratio = {1, 2};     // of a stage without SE
    const auto again = judge.judge(same);
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == rejection_kind::duplicate);
    CHECK(again.error().why.got == "trial 4");
    same.stages[1].activation = activation_kind::swish;
    CHECK(judge.judge(same));
}

TEST_CASE("gate: where stages begin does not make another network", "[search]") {
    auto two_and_one = zoo::lmanet_elite;
    two_and_one.stages[3] = two_and_one.stages[4] = {.output_channels = 128, .num_layers = 2, .kernel_size = 7};
    two_and_one.stages[4].num_layers = 1;
    auto one_and_two = two_and_one;
    one_and_two.stages[3].num_layers = 1;
    one_and_two.stages[4].num_layers = 2;
    gate<space> judge{problem{}};
    const auto first = judge.measure_costs(two_and_one);
    REQUIRE(first);
    judge.remember(*first, 0);
    const auto second = judge.measure_costs(one_and_two);
    REQUIRE(second);
    CHECK(second->hash == first->hash);
    CHECK(judge.find(one_and_two, second->hash) == 0);
}

TEST_CASE("gate: a memory model that names no operator", "[search]") {
    struct silent {
        std::string_view name = "silent";
        memory_peak peak(const graph_view&) const { return {bytes{1'000'000'000}, -1}; }
    };
    const auto v = gate<space, silent>(problem{}).judge(zoo::lmanet_elite);
    REQUIRE_FALSE(v);
    CHECK(v.error().kind == rejection_kind::sram);
}

TEST_CASE("gate: a memory model that does not cover a network refuses it by name", "[search]") {
    network_of<deep> net{.input = {3, 32, 32}, .classes = 10, .stages = {}};
    for (stage& s : net.stages) s = {.output_channels = 16, .num_layers = 6, .conv_type = block_type::depthwise};
    CHECK(gate<deep>(problem{}).measure_costs(net));
    const auto refused = gate<deep, planned<>>(problem{}).measure_costs(net);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == rejection_kind::illegal);
    CHECK(refused.error().why.text() ==
          "network: the memory model planned does not take the number of cut points (got 65, wanted at most 64)");
}

TEST_CASE("gate: a network over a limit is measured as infeasible, an illegal one is refused", "[search]") {
    problem p;
    p.limits.sram = bytes{1000};
    const gate<space> judge{p};
    const auto measured = judge.measure_costs(zoo::lmanet_core);
    REQUIRE(measured);
    CHECK_FALSE(measured->feasible);
    auto illegal = zoo::lmanet_core;
    illegal.stages[2].stride = 0;
    const auto refused = judge.measure_costs(illegal);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().why.text() == "stage 3 block 1 depthwise: illegal stride (got 0, wanted 1 to 255)");
}

TEST_CASE("gate: what an illegal network has wrong is named, with the legal values", "[search]") {
    const auto message = [](auto change) {
        auto net = zoo::lmanet_core;
        change(net);
        return describe(dynamic_graph(net).error()).text();
    };
    CHECK(message([](auto& n) { n.input.width = 0; }) == "network: illegal input size (got 0, wanted 1 to 32768)");
    CHECK(message([](auto& n) { n.stages[1].output_channels = 40'000; }) ==
          "stage 2 block 1 project: illegal output channels (got 40000, wanted 1 to 32768)");
    CHECK(message([](auto& n) { n.stages[1].num_layers = 65; }) ==
          "stage 2 block 1 main: illegal number of layers (got 65, wanted 1 to 64)");
    CHECK(message([](auto& n) { n.stages[1].expansion_factor = -2; }) ==
          "stage 2 block 1 expand: illegal expansion factor (got -2, wanted 1 to 32768)");
    CHECK(message([](auto& n) {
              n.stages[1].use_se = true, n.stages[1].se_ratio = {-1, 4};
          }) == "stage 2 block 1 se_reduce: illegal SE ratio (got -1, wanted a fraction of at least 0)");
    CHECK(message([](auto& n) { n.stages[1].conv_type = {9}; }) ==
          "stage 2 block 1 main: illegal block type (got 9, wanted 0 to 1)");
    CHECK(message([](auto& n) { n.stages[2].kernel_size = 4; }) ==
          "stage 3 block 2 skip_add: illegal shapes of joined inputs (got 21, wanted 22 as the other map)");
}

TEST_CASE("proposers: random and evolution give new feasible networks, the same for the same seed", "[search]") {
    const auto run = [](std::uint64_t seed) {
        problem p;
        gate<space> judge{p};
        evolution_proposer<space> evolution({.population = 8, .tournament = 3, .max_mutations = 500});
        std::vector<std::uint64_t> hashes;
        for (std::int32_t i = 0; i < 60; ++i) {
            const search_context<space> context{p,  {}, {},
                                                {}, {}, [&](const network_of<space>& net) { return judge.judge(net); }};
            splitmix64 rng{mix_seed(seed, static_cast<std::uint64_t>(i))};
            auto proposed = evolution.ask(context, rng);
            REQUIRE(proposed);
            CHECK(proposed->proposer == (i < 4 ? "random" : "evolution"));
            CHECK(contains<space>(proposed->network));
            auto c = judge.judge(proposed->network);
            REQUIRE(c);
            judge.remember(*c, i);
            hashes.push_back(c->hash);
            evolution.tell(finished(i, *c, 1.0 / static_cast<double>(c->cost.mac_count.value)));
        }
        CHECK(std::set<std::uint64_t>(hashes.begin(), hashes.end()).size() == 60);
        return hashes;
    };
    const auto a = run(1);
    CHECK(a == run(1));
    CHECK(a != run(2));
}

TEST_CASE("proposers: evolution beats random on a smooth score", "[search]") {
    // Score: fewer parameters. Both get 80 trials; the medians over 9 seeds are compared.
    const auto best_of = [](auto proposer, std::uint64_t seed) {
        problem p;  // wide limits: sampling inside the paper's would take most of the time
        p.min_macs = macs{1};
        p.max_macs = macs{2'000'000'000};
        p.limits.sram = bytes{4'000'000};
        gate<space> judge{p};
        double best = 0;
        for (std::int32_t i = 0; i < 80; ++i) {
            const search_context<space> context{p,  {}, {},
                                                {}, {}, [&](const network_of<space>& net) { return judge.judge(net); }};
            splitmix64 rng{mix_seed(seed, static_cast<std::uint64_t>(i))};
            auto proposed = proposer.ask(context, rng);
            auto c = judge.judge(proposed->network);
            judge.remember(*c, i);
            const double score = 1e6 / static_cast<double>(c->cost.parameters.value);
            best = std::max(best, score);
            proposer.tell(finished(i, *c, score));
        }
        return best;
    };
    std::vector<double> random, evolution;
    for (std::uint64_t seed = 0; seed < 9; ++seed) {
        random.push_back(best_of(random_proposer<space>{}, seed));
        evolution.push_back(best_of(evolution_proposer<space>{}, seed));
    }
    std::nth_element(random.begin(), random.begin() + 4, random.end());
    std::nth_element(evolution.begin(), evolution.begin() + 4, evolution.end());
    CHECK(evolution[4] > random[4]);
}

TEST_CASE("proposers: a mutation changes one effective field", "[search]") {
    splitmix64 rng{11};
    for (int i = 0; i < 3000; ++i) {
        const auto parent = sample<space>(rng);
        auto child = parent;
        mutate(child, rng);
        int changed = 0;
        for (std::size_t s = 0; s < space::stages; ++s)
            for (std::size_t k = 0; k < axis_count<space>; ++k) {
                if (parent.choice[s][k] == child.choice[s][k]) continue;
                ++changed;
                if (!effective_axes(parent, s)[k]) FAIL("a field without effect was changed");
            }
        if (changed != 1) FAIL(changed << " fields changed");
    }
    SUCCEED();
}

TEST_CASE("proposers: limits that nothing meets end in the last rejection, not in a loop", "[search]") {
    problem p;
    p.limits.sram = bytes{100};
    gate<space> judge{p};
    int calls = 0;
    const search_context<space> context{p, {}, {}, {}, {}, [&](const network_of<space>& net) {
                                            ++calls;
                                            return judge.judge(net);
                                        }};
    splitmix64 rng{1};
    random_proposer<space> random(5000);
    const auto r = random.ask(context, rng);
    REQUIRE_FALSE(r);
    CHECK(calls == 5000);
    CHECK(r.error().kind == rejection_kind::exhausted);
    CHECK_THAT(r.error().why.text(), Catch::Matchers::ContainsSubstring("no network found in 5000 draws"));
}
