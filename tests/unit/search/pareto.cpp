// SPDX-License-Identifier: MIT
// The archive against brute force, in any order of insertion and number of objectives.
#include <llmnas/search/pareto.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <llmnas/core/random.hpp>
#include "support/catch.hpp"

using namespace llmnas;

namespace {

using values = std::vector<double>;

/// Minimise and maximise in turn.
std::vector<direction> alternating(std::size_t m) {
    std::vector<direction> d(m, direction::minimize);
    for (std::size_t i = 1; i < m; i += 2) d[i] = direction::maximize;
    return d;
}

std::vector<std::int32_t> front_of(const std::vector<values>& points, std::span<const direction> d) {
    std::vector<std::int32_t> front;
    for (std::size_t i = 0; i < points.size(); ++i)
        if (std::none_of(points.begin(), points.end(), [&](const auto& p) { return dominates(p, points[i], d); }))
            front.push_back(static_cast<std::int32_t>(i));
    return front;
}

/// A point whose distance from the origin of the dominated side is one: none dominates another.
values on_sphere(std::size_t m, splitmix64& rng) {
    values p(m);
    double squares = 0;
    for (double& v : p) {
        v = rng.uniform() + 1e-9;
        squares += v * v;
    }
    for (std::size_t i = 0; i < m; ++i) p[i] = (i % 2 == 0 ? -p[i] : p[i]) / std::sqrt(squares);
    return p;
}

}  // namespace

TEST_CASE("pareto: dominance follows the directions", "[search]") {
    constexpr auto& d = objective_directions<paper_objectives>;
    const values a{0.5, 100, 10}, better{0.6, 100, 10}, other{0.6, 200, 10};
    CHECK(dominates(better, a, d));
    CHECK_FALSE(dominates(a, better, d));
    CHECK_FALSE(dominates(other, a, d));
    CHECK_FALSE(dominates(a, other, d));
    CHECK_FALSE(dominates(a, a, d));
}

TEST_CASE("pareto: the archive is the set of non-dominated points, in any order of insertion", "[search]") {
    splitmix64 rng{9};
    for (std::size_t m = 1; m <= 6; ++m)
        for (const std::uint64_t levels : {3U, 20U, 1000U}) {  // few levels: many equal points and equal coordinates
            const auto d = alternating(m);
            std::vector<values> points(600, values(m));
            for (values& p : points)
                for (double& v : p) v = static_cast<double>(rng.below(levels));
            const auto expected = front_of(points, d);
            std::vector<std::size_t> order(points.size());
            std::iota(order.begin(), order.end(), std::size_t{0});
            for (int round = 0; round < 4; ++round) {
                if (round == 1) std::reverse(order.begin(), order.end());
                if (round == 2)
                    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return points[a] < points[b]; });
                if (round == 3)
                    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
                pareto_archive archive(d);
                for (const std::size_t i : order) archive.insert(static_cast<std::int32_t>(i), points[i]);
                INFO(m << " objectives, " << levels << " levels, order " << round);
                REQUIRE(archive.trials() == expected);
                REQUIRE(archive.size() == expected.size());
            }
        }
}

TEST_CASE("pareto: what an insertion says, and the members, step by step", "[search]") {
    splitmix64 rng{4};
    for (std::size_t m = 1; m <= 5; ++m) {
        const auto d = alternating(m);
        std::vector<values> points;
        pareto_archive archive(d);
        for (std::int32_t i = 0; i < 300; ++i) {
            // Points of a sphere that grows: at times one removes whole regions of the front.
            values p = on_sphere(m, rng);
            for (double& v : p) v = std::round(v * 8 * (1 + i / 40 % 3));
            const bool dominated =
                std::any_of(points.begin(), points.end(), [&](const auto& q) { return dominates(q, p, d); });
            points.push_back(p);
            REQUIRE(archive.insert(i, p) == !dominated);
            if (i % 10 != 0) continue;
            const auto front = front_of(points, d);
            const auto members = archive.members();
            REQUIRE(members.size() == front.size());
            for (std::size_t k = 0; k < front.size(); ++k) {
                REQUIRE(members[k].trial == front[k]);
                REQUIRE(members[k].values == points[static_cast<std::size_t>(front[k])]);
            }
        }
    }
}

TEST_CASE("pareto: values that are not numbers never enter", "[search]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
    pareto_archive archive(objective_directions<paper_objectives>);
    CHECK_FALSE(archive.insert(0, values{nan, 1, 1}));
    CHECK_FALSE(archive.insert(1, values{0.5, infinite, 1}));
    CHECK_FALSE(archive.insert(1, values{-infinite, 1, 1}));
    CHECK_FALSE(archive.insert(2, values{0.5, 1}));
    CHECK_FALSE(archive.insert(2, values{0.5, 1, 1, 1}));
    CHECK(archive.size() == 0);
    CHECK(archive.trials().empty());
    CHECK(archive.insert(3, values{0.5, 1, 1}));
    CHECK(archive.insert(4, values{0.5, 1, 1}));
    CHECK(archive.trials() == std::vector<std::int32_t>{3, 4});
    CHECK_FALSE(pareto_archive({}).insert(0, {}));
}

TEST_CASE("pareto: trials with equal values come and go together", "[search]") {
    for (const std::size_t m : {1U, 2U, 3U}) {
        pareto_archive archive(std::vector<direction>(m, direction::minimize));
        for (std::int32_t i = 0; i < 200; ++i) CHECK(archive.insert(i, values(m, i < 100 ? 2.0 : 1.0)));
        std::vector<std::int32_t> last(100);
        std::iota(last.begin(), last.end(), 100);
        CHECK(archive.trials() == last);
        CHECK_FALSE(archive.insert(200, values(m, 2.0)));
        CHECK(archive.insert(201, values(m, 0.0)));
        CHECK(archive.trials() == std::vector<std::int32_t>{201});
    }
}

TEST_CASE("pareto: ten thousand points that all stay, in an order that would unbalance a tree", "[search]") {
    splitmix64 rng{6};
    for (const std::size_t m : {2U, 3U, 4U}) {
        std::vector<values> points(10'000);
        for (values& p : points) p = on_sphere(m, rng);
        std::sort(points.begin(), points.end());
        pareto_archive archive(alternating(m));
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < points.size(); ++i)
            REQUIRE(archive.insert(static_cast<std::int32_t>(i), points[i]));
        CHECK(archive.size() == points.size());
        values best{-2, 2, -2, 2};
        best.resize(m);
        CHECK(archive.insert(10'000, best));
        CHECK(archive.trials() == std::vector<std::int32_t>{10'000});
        // 10,000 scans of the front would be 10^8 comparisons at least.
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    }
}
