// SPDX-License-Identifier: MIT
#include <llmnas/search/quality_diversity.hpp>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include "support/catch.hpp"

using namespace llmnas;

TEST_CASE("quality diversity: each number of parameters and blocks lies in the range of its niche", "[search]") {
    const niche_grid grid{.blocks_per_niche = 3};
    std::int32_t last = -1;
    for (std::uint64_t p = 1; p < 70'000; ++p) {
        const niche n = grid.of(p, 7);
        const auto [least, end] = niche_grid::parameters_of(n);
        REQUIRE((n.parameters >= last && p >= least && p < end));
        last = n.parameters;
    }
    CHECK(grid.of(1'000'000, 7).depth == 2);
    CHECK(grid.blocks_of({0, 2}) == std::pair{6, 8});
    CHECK(grid.of(~std::uint64_t{0}, 0).parameters == 127);
    CHECK(grid.of(0, -1) == niche{0, 0});
}

TEST_CASE("quality diversity: a niche keeps its most accurate network, the earlier of equals", "[search]") {
    elite_archive archive;
    const niche a{30, 2}, b{31, 2};
    CHECK(archive.insert(a, 0, 0.3));
    CHECK_FALSE(archive.insert(a, 1, 0.2));
    CHECK_FALSE(archive.insert(a, 2, 0.3));
    CHECK(archive.insert(a, 3, 0.4));
    CHECK_FALSE(archive.insert(a, 4, std::nan("")));
    CHECK(archive.insert(b, 5, 0.1));
    REQUIRE(archive.elites().size() == 2);
    CHECK(archive.elites().at(a).trial == 3);
    CHECK(archive.elites().at(a).seen == 5);
    CHECK(archive.elites().at(b).trial == 5);
    // Neighbours of both, without the niches that are taken.
    CHECK(archive.frontier() == std::vector<niche>{{29, 2}, {30, 1}, {30, 3}, {31, 1}, {31, 3}, {32, 2}});
}

TEST_CASE("quality diversity: of trials, those within the limits that are trained", "[search]") {
    std::vector<trial<table1_se>> trials(4);
    for (std::size_t i = 0; i < trials.size(); ++i) {
        trials[i].number = static_cast<std::int32_t>(i);
        trials[i].candidate.network = zoo::lmanet_elite;
        trials[i].candidate.cost.parameters = decltype(trials[i].candidate.cost.parameters){500'000};
        trials[i].state = trial_state::complete;
        trials[i].training.accuracy = 0.1 * static_cast<double>(i);
    }
    trials[2].candidate.feasible = false;
    trials[3].state = trial_state::failed;
    const auto archive = elite_archive::of<table1_se>(trials);
    REQUIRE(archive.elites().size() == 1);
    CHECK(archive.elites().begin()->second.trial == 1);
    CHECK(archive.elites().begin()->second.seen == 2);
    std::int32_t blocks = 0;
    for (const auto& s : zoo::lmanet_elite.stages) blocks += s.num_layers;
    CHECK(block_count(zoo::lmanet_elite) == blocks);
}
