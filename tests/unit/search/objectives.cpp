// SPDX-License-Identifier: MIT
// Objectives of every kind, their limits before and behind the training, and what the journal has of them.
#include <llmnas/search/objectives.hpp>

#include <fstream>
#include <string>
#include <vector>

#include <llmnas/cost/memory/in_place_depthwise.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using space = table1_se;
using latency = latency_objective<stm32h743_480mhz::tinyengine>;

namespace {

struct operator_count {
    static constexpr std::string_view name = "operators";
    static constexpr direction towards = direction::minimize;
    static double value(const graph_view& g) { return static_cast<double>(g.ops.size()); }
};
struct accuracy_a_megabyte {
    static constexpr std::string_view name = "accuracy_a_megabyte";
    static constexpr direction towards = direction::maximize;
    static double value(const costs& c, const training_metrics& m) {
        return m.accuracy / (static_cast<double>(c.flash.value) / 1e6);
    }
};
struct everything {
    static constexpr auto types =
        boost::hana::tuple_t<accuracy_objective, mac_objective, parameter_objective, flash_objective, sram_objective,
                             sram_under<in_place_depthwise>, latency, operator_count, accuracy_a_megabyte>;
};

struct useful_accuracy : accuracy_objective {
    static constexpr double limit = 0.5;
};
struct fast : latency {
    static constexpr double limit = 700;
};
struct small : flash_objective {
    static constexpr int limit = 1'000'000;
};
struct with_limits {
    static constexpr auto types = boost::hana::tuple_t<useful_accuracy, fast, small>;
};

struct limited_search : test::scripted_search {
    using objectives = with_limits;
};
static_assert(SearchDefinition<limited_search>);
static_assert(!Objective<int> && !Objective<everything> && Objective<operator_count> && CostObjective<latency> &&
              !CostObjective<accuracy_objective>);
static_assert(objectives_need_graph<everything> && !objectives_need_graph<paper_objectives>);
static_assert(objectives_have_limits<with_limits> && !objectives_have_limits<everything>);

}  // namespace

TEST_CASE("objectives: names, directions and values of every kind", "[search]") {
    gate<space> judge{problem{}};
    const auto c = judge.measure_costs(zoo::lmanet_elite);
    REQUIRE(c);
    const auto values = objective_values<everything>(*c, training_metrics{.accuracy = 0.75});
    const auto view = network<zoo::lmanet_elite>::view;
    CHECK(values == std::vector<double>{0.75, 81'963'264, static_cast<double>(c->cost.parameters.value), 535'170,
                                        204'800, static_cast<double>(in_place_depthwise::peak(view).size.value),
                                        stm32h743_480mhz::tinyengine::latency(view).value,
                                        static_cast<double>(view.ops.size()), 0.75 / 0.535170});
    CHECK(objective_names<everything>[4] == "sram");
    CHECK(objective_names<everything>[5] == "sram (in_place_depthwise)");
    CHECK(objective_names<everything>[6] == "latency_ms (STM32H743 480 MHz, TinyEngine)");
    CHECK(objective_directions<everything>[0] == direction::maximize);
    CHECK(objective_directions<everything>[6] == direction::minimize);
    CHECK(objective_values<paper_objectives>(*c, {.accuracy = 0.75}) ==
          objective_values<paper_objectives>(c->cost, {.accuracy = 0.75}));
}

TEST_CASE("objectives: a limit is the most or the least of a value, and values on it keep it", "[search]") {
    constexpr auto& infos = objective_infos<with_limits>;
    CHECK(infos[0].excess(0.5) == 0);
    CHECK(infos[0].excess(0.75) == 0);
    CHECK(infos[0].excess(0.25) == 0.25);
    CHECK(infos[1].excess(700) == 0);
    CHECK(infos[1].excess(701) == 1);
    CHECK(objective_infos<paper_objectives>[1].excess(1e300) == 0);
    CHECK(keeps_objective_limits<with_limits>(std::vector<double>{0.5, 700, 1e6}));
    CHECK_FALSE(keeps_objective_limits<with_limits>(std::vector<double>{0.5, 700, 1e6 + 1}));
    CHECK_FALSE(keeps_objective_limits<with_limits>(std::vector<double>{0.4, 10, 10}));
    CHECK_FALSE(keeps_objective_limits<with_limits>(std::vector<double>{0.5, 700}));
    CHECK_FALSE(keeps_objective_limits<with_limits>({}));
}

TEST_CASE("objectives: what breaks a limit that is known before training is refused by the gate", "[search]") {
    test::temporary_directory dir;
    problem wide;
    wide.max_macs = macs{1'000'000'000'000};
    wide.limits = {.sram = bytes{1'000'000'000}, .flash = bytes{10'000'000}};
    gate<space> judge{wide};
    REQUIRE(judge.judge(zoo::lmanet_elite));
    auto slow = zoo::lmanet_elite;
    for (stage& s : slow.stages) s.stride = 1;
    slow.stages[0].stride = 2;
    REQUIRE(judge.judge(slow));
    REQUIRE((study<space, with_limits>::open(dir.path(), {{"a", 1}}, judge)));
    CHECK(judge.judge(zoo::lmanet_elite));
    const auto refused = judge.judge(slow);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == rejection_kind::objective);
    CHECK(name_of(refused.error().kind) == "objective");
    CHECK_THAT(refused.error().why.text(),
               Catch::Matchers::ContainsSubstring(
                   "network: latency_ms (STM32H743 480 MHz, TinyEngine) over the limit (got ") &&
                   Catch::Matchers::ContainsSubstring(", wanted at most 700)"));
    const auto measured = judge.measure_costs(slow);
    REQUIRE(measured);
    CHECK_FALSE(measured->feasible);
}

TEST_CASE("objectives: a search under limits, its front, its journal, and the same when read back", "[search]") {
    test::temporary_directory dir;
    const auto open = [&](gate<space>& judge) {
        return study<space, with_limits>::open(dir.path(), {{"seed", 3}}, judge).value();
    };
    std::vector<std::int32_t> front;
    {
        gate<space> judge{problem{}};
        auto s = open(judge);
        in_process<limited_search> here;
        search_observer silent;
        search_loop<limited_search, in_process<limited_search>> loop(
            s, judge, here, silent, {.trials = 12, .fidelity = {.epochs = 1}, .seed = 3});
        random_proposer<space> random;
        const auto outcome = loop.run(random);
        REQUIRE(outcome);
        front = outcome->front;
        int below = 0;
        for (const auto& t : s.trials()) {
            CHECK(t.values[1] <= 700);
            CHECK(t.values[2] <= 1e6);
            const bool on_front = std::find(front.begin(), front.end(), t.number) != front.end();
            if (t.values[0] < 0.5) {
                ++below;
                CHECK_FALSE(on_front);
            }
        }
        CHECK(below > 0);
        CHECK(front.size() > 0);
    }
    gate<space> judge{problem{}};
    const auto again = open(judge);
    CHECK(outcome_of<with_limits, space>(again.trials()).front == front);
    std::ifstream journal(dir.path() / journal_file_name);
    std::size_t seen = 0;
    for (std::string line; std::getline(journal, line);) {
        const auto r = json_value::parse(line);
        if (r["op_code"] != 9) continue;
        const auto& constraints = r["system_attr"]["constraints"];
        REQUIRE(constraints.size() == 7);  // MACs from below and above, SRAM, flash; accuracy, latency, flash
        const auto& t = again.trials()[r["trial_id"].get<std::size_t>()];
        CHECK(constraints[4].get<double>() == std::max(0.5 - t.values[0], 0.0));
        CHECK(constraints[5] == 0.0);
        ++seen;
    }
    CHECK(seen == again.trials().size());
}
