// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <llmnas/core/random.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/pareto.hpp>

#include "support/catch.hpp"

using namespace llmnas;

TEST_CASE("pareto: dominance follows the directions", "[search]") {
    constexpr auto& d = objective_directions<paper_objectives>;
    const std::vector<double> a{0.5, 100, 10}, better{0.6, 100, 10}, other{0.6, 200, 10};
    CHECK(dominates(better, a, d));
    CHECK_FALSE(dominates(a, better, d));
    CHECK_FALSE(dominates(other, a, d));
    CHECK_FALSE(dominates(a, other, d));
    CHECK_FALSE(dominates(a, a, d));
}

TEST_CASE("pareto: the archive is the set of non-dominated points, in any order of insertion", "[search]") {
    splitmix64 rng{9};
    std::vector<std::vector<double>> points;
    for (int i = 0; i < 400; ++i)
        points.push_back({static_cast<double>(rng.below(20)), static_cast<double>(rng.below(20)),
                          static_cast<double>(rng.below(20))});
    constexpr auto& d = objective_directions<paper_objectives>;
    std::vector<std::int32_t> expected;
    for (std::size_t i = 0; i < points.size(); ++i)
        if (std::none_of(points.begin(), points.end(), [&](const auto& p) { return dominates(p, points[i], d); }))
            expected.push_back(static_cast<std::int32_t>(i));
    for (int order = 0; order < 3; ++order) {
        pareto_archive archive(d);
        for (std::size_t i = 0; i < points.size(); ++i) {
            const std::size_t at = order == 0 ? i : order == 1 ? points.size() - 1 - i : (i * 7) % points.size();
            archive.insert(static_cast<std::int32_t>(at), points[at]);
        }
        CHECK(archive.trials() == expected);
    }
    CHECK(expected.size() > 3);
}

TEST_CASE("pareto: values that are not numbers never enter", "[search]") {
    pareto_archive archive(objective_directions<paper_objectives>);
    CHECK_FALSE(archive.insert(0, {std::numeric_limits<double>::quiet_NaN(), 1, 1}));
    CHECK_FALSE(archive.insert(1, {0.5, std::numeric_limits<double>::infinity(), 1}));
    CHECK_FALSE(archive.insert(2, {0.5, 1}));
    CHECK(archive.insert(3, {0.5, 1, 1}));
    CHECK(archive.insert(4, {0.5, 1, 1}));
    CHECK(archive.trials() == std::vector<std::int32_t>{3, 4});
}
