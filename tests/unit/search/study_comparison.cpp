// SPDX-License-Identifier: MIT
#include <llmnas/search/study_comparison.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <llmnas/search/study.hpp>
#include <llmnas/search/study_reader.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using space = table1_se;
using study_type = study<space, paper_objectives>;

namespace {

/// One of nine variants of a network that keeps the paper's limits.
network_of<space> variant(std::size_t number) {
    auto net = zoo::lmanet_elite;
    constexpr activation_kind kinds[] = {activation_kind::relu6, activation_kind::leaky_relu, activation_kind::swish};
    net.stages[0].activation = kinds[number % 3];
    net.stages[1].activation = kinds[number / 3];
    return net;
}

double volume(double accuracy, const candidate<space>& c) {
    return accuracy * (350e6 - static_cast<double>(c.cost.mac_count.value)) *
           (2e6 - static_cast<double>(c.cost.parameters.value));
}

const std::vector<double> reference{0, 350e6, 2e6};

curve_point point(std::int32_t trials, std::int64_t epochs, double hypervolume, double accuracy) {
    return {trials, epochs, hypervolume, accuracy};
}

}  // namespace

TEST_CASE("mean_with_interval: Student's t as in its tables", "[study]") {
    const auto m = mean_with_interval(std::vector<double>{1, 2, 3, 4, 5});
    CHECK(m.count == 5);
    CHECK(m.mean == Catch::Approx(3));
    REQUIRE(m.half_width);
    CHECK(*m.half_width == Catch::Approx(2.776445 * std::sqrt(2.5 / 5)).epsilon(1e-6));  // t(0.975, 4)
    const auto two = mean_with_interval(std::vector<double>{1, 3}, 0.9);
    CHECK(*two.half_width == Catch::Approx(6.313752).epsilon(1e-6));  // t(0.95, 1), standard error 1
    CHECK_FALSE(mean_with_interval(std::vector<double>{7}).half_width);
    CHECK(mean_with_interval(std::vector<double>{7}).mean == 7);
    CHECK(mean_with_interval({}).count == 0);
    CHECK(*mean_with_interval(std::vector<double>{2, 2, 2}).half_width == 0);
}

TEST_CASE("curve_of: hypervolume and epochs in the order in which trials ended", "[study]") {
    const test::temporary_directory dir;
    gate<space> judge{problem{}};
    auto s = study_type::open(dir.path(), {{"seed", 1}}, judge).value();
    std::vector<candidate<space>> candidates;
    for (std::size_t i = 0; i < 5; ++i) {
        candidates.push_back(judge.measure_costs(variant(i)).value());
        REQUIRE(s.start(candidates.back(), {"evolution"}, {.epochs = 3}, 1, 10).value());
    }
    REQUIRE(s.finish(1, {.accuracy = 0.2, .epochs = 3}));
    REQUIRE(s.report(2, {.epoch = 1}));
    REQUIRE(s.report(2, {.epoch = 2}));
    REQUIRE(s.fail_trial(2, "out of memory"));
    REQUIRE(s.finish(0, {.accuracy = 0.1, .epochs = 3}));
    REQUIRE(s.finish(4, {.accuracy = 0.5, .epochs = 3}));  // trial 3 is open
    gate<space> again{problem{}};
    const auto read = read_study<space, paper_objectives>(dir.path(), again);
    REQUIRE(read);
    CHECK(read->ended() == std::vector<std::int32_t>{1, 2, 0, 4});
    const auto curve = curve_of(*read, reference);
    REQUIRE(curve);
    REQUIRE(curve->size() == 4);
    const auto near = [&](std::size_t i, const curve_point& p) {
        INFO("point " << i);
        CHECK((*curve)[i].trials == p.trials);
        CHECK((*curve)[i].epochs == p.epochs);
        CHECK((*curve)[i].hypervolume == Catch::Approx(p.hypervolume));
        CHECK((*curve)[i].accuracy == p.accuracy);
    };
    near(0, point(1, 3, volume(0.2, candidates[1]), 0.2));
    near(1, point(2, 5, volume(0.2, candidates[1]), 0.2));
    near(2, point(3, 8, volume(0.2, candidates[1]), 0.2));
    near(3, point(4, 11, volume(0.5, candidates[4]), 0.5));
    CHECK(within_trials(*curve, 3).epochs == 8);
    CHECK(within_epochs(*curve, 7).trials == 2);
    CHECK(within_epochs(*curve, 2) == curve_point{});
    CHECK_FALSE(curve_of(*read, std::vector<double>{0, 1}));
}

TEST_CASE("search_of: the name that trials give, else their proposers without the random start", "[study]") {
    const auto named = [](std::vector<std::pair<std::string, std::string>> names) {
        std::vector<trial<space>> trials(names.size());
        for (std::size_t i = 0; i < names.size(); ++i) {
            trials[i].proposer = names[i].first;
            trials[i].history.search = names[i].second;
        }
        return search_of<space>(trials);
    };
    CHECK(named({}).empty());
    CHECK(named({{"random", "nsga2"}, {"random", "nsga2"}}) == "nsga2");
    CHECK(named({{"included", ""}, {"llm", "Llama-3.2-3B"}, {"evolution", "Llama-3.2-3B"}}) == "Llama-3.2-3B");
    CHECK(named({{"random", "nsga2"}, {"local", "local"}}) == "nsga2 + local");
    CHECK(named({{"random", ""}, {"evolution", ""}}) == "evolution");
    CHECK(named({{"random", ""}}) == "random");
}

TEST_CASE("compare: groups at the budget that all used up", "[study]") {
    const std::vector<compared_study> studies{
        {"b", {point(1, 10, 1, 0.1), point(2, 20, 3, 0.3), point(3, 30, 9, 0.9)}},
        {"a", {point(1, 4, 2, 0.2), point(2, 8, 4, 0.4)}},
        {"b", {point(1, 10, 3, 0.3), point(2, 24, 5, 0.5)}},
    };
    CHECK(common_budget(studies, budget_unit::trials) == 2);
    CHECK(common_budget(studies, budget_unit::epochs) == 8);
    CHECK(common_budget({}, budget_unit::epochs) == 0);
    CHECK(budgets_up_to(10, 4) == std::vector<std::int64_t>{3, 5, 8, 10});
    CHECK(budgets_up_to(2, 4) == std::vector<std::int64_t>{1, 2});
    CHECK(budgets_up_to(0, 4).empty());
    const auto entries = compare(studies, budget_unit::trials, budgets_up_to(2, 2), 0.95);
    REQUIRE(entries.size() == 4);
    CHECK(entries[0].search == "a");
    CHECK(entries[1].hypervolume.mean == 4);
    CHECK_FALSE(entries[1].hypervolume.half_width);
    CHECK(entries[2].search == "b");
    CHECK(entries[2].hypervolume.mean == 2);
    CHECK(entries[3].hypervolume.count == 2);
    CHECK(entries[3].hypervolume.mean == 4);
    CHECK(*entries[3].hypervolume.half_width == Catch::Approx(12.7062).epsilon(1e-4));
    CHECK(entries[3].accuracy.mean == Catch::Approx(0.4));
    const auto by_epochs = compare(studies, budget_unit::epochs, std::vector<std::int64_t>{8}, 0.95);
    CHECK(by_epochs[0].hypervolume.mean == 4);
    CHECK(by_epochs[1].hypervolume.mean == 0);  // no trial of b had ended by then
}
