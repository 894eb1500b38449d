// SPDX-License-Identifier: MIT
// Ranks against their definition, crowding distances and distances between fronts against values worked out by hand.
#include <llmnas/search/front_quality.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <llmnas/core/random.hpp>
#include "support/catch.hpp"

using namespace llmnas;
using Catch::Detail::Approx;

namespace {

using values = std::vector<double>;
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr direction two[] = {direction::minimize, direction::maximize};

/// By peeling: those that none of the rest dominates are the next rank.
std::vector<std::int32_t> peeled(const values& points, std::span<const direction> d) {
    const std::size_t m = d.size(), n = points.size() / m;
    std::vector<std::int32_t> ranks(n, -1);
    const auto at = [&](std::size_t i) { return std::span(points).subspan(i * m, m); };
    for (std::int32_t rank = 0; std::count(ranks.begin(), ranks.end(), -1) > 0; ++rank) {
        std::vector<std::size_t> front;
        for (std::size_t i = 0; i < n; ++i) {
            bool free = ranks[i] < 0;
            for (std::size_t j = 0; j < n && free; ++j) free = ranks[j] >= 0 || !dominates(at(j), at(i), d);
            if (free) front.push_back(i);
        }
        for (const std::size_t i : front) ranks[i] = rank;
    }
    return ranks;
}

}  // namespace

TEST_CASE("ranks: equal to peeling off one front after the other", "[search]") {
    splitmix64 rng{1};
    for (std::size_t m = 1; m <= 5; ++m)
        for (const std::uint64_t levels : {2U, 6U, 1000U}) {
            std::vector<direction> d(m, direction::minimize);
            for (std::size_t k = 0; k < m; k += 2) d[k] = direction::maximize;
            values points(150 * m);
            for (double& v : points) v = static_cast<double>(rng.below(levels));
            INFO(m << " objectives, " << levels << " levels");
            REQUIRE(non_dominated_ranks(points, d).value() == peeled(points, d));
        }
    CHECK(non_dominated_ranks({}, two).value().empty());
    CHECK_FALSE(non_dominated_ranks(values{1, infinite}, two));
    CHECK_FALSE(non_dominated_ranks(values{1, 2, 3}, two));
}

TEST_CASE("crowding distance: sides of the box between neighbours, in parts of the extent", "[search]") {
    // x 0, 1, 4, 10; y 0, 5, 8, 10 (maximised, so the order is the same along both).
    const values front{4, 8, 0, 0, 10, 10, 1, 5};
    const auto d = crowding_distances(front, two).value();
    CHECK(d[0] == Catch::Approx(9.0 / 10 + 5.0 / 10));
    CHECK(d[1] == infinite);
    CHECK(d[2] == infinite);
    CHECK(d[3] == Catch::Approx(4.0 / 10 + 8.0 / 10));
}

TEST_CASE("crowding distance: few points, equal points, one value on an axis", "[search]") {
    CHECK(crowding_distances({}, two).value().empty());
    CHECK(crowding_distances(values{1, 2}, two).value() == values{infinite});
    CHECK(crowding_distances(values{1, 2, 3, 4}, two).value() == values{infinite, infinite});
    CHECK(crowding_distances(values{1, 2, 1, 2, 3, 4}, two).value() == values{infinite, 0, infinite});
    const auto flat = crowding_distances(values{0, 7, 1, 7, 2, 7}, two).value();
    CHECK(flat[0] == infinite);
    CHECK(flat[1] < infinite);
    CHECK_FALSE(crowding_distances(values{std::nan(""), 1}, two));
}

TEST_CASE("IGD and IGD+: worked out by hand", "[search]") {
    constexpr direction d[] = {direction::minimize, direction::minimize};
    const values reference{0, 4, 4, 0}, front{3, 4, 5, 1};
    CHECK(igd(reference, reference, d).value() == 0);
    CHECK(igd(front, reference, d).value() == Catch::Approx((3 + std::sqrt(2.0)) / 2));
    CHECK(igd_plus(front, reference, d).value() == Catch::Approx((3 + std::sqrt(2.0)) / 2));
    // A point that is better than the reference in one objective: IGD+ forgives that, IGD does not.
    CHECK(igd(values{2, 0}, values{1, 4}, d).value() == Catch::Approx(std::sqrt(17.0)));
    CHECK(igd_plus(values{2, 0}, values{1, 4}, d).value() == 1);
    CHECK(igd_plus(values{0, 0}, reference, d).value() == 0);
    // Directions.
    CHECK(igd_plus(values{2, 0}, values{1, 4}, two).value() == Catch::Approx(std::sqrt(17.0)));
    CHECK(igd_plus(values{2, 5}, values{1, 4}, two).value() == 1);
}

TEST_CASE("IGD: one objective, fronts without points, values that are not finite", "[search]") {
    constexpr direction up[] = {direction::maximize};
    CHECK(igd(values{3, 8}, values{10, 4}, up).value() == Catch::Approx(1.5));
    const auto none = igd({}, values{1}, up);
    REQUIRE_FALSE(none);
    CHECK(none.error().text() == "IGD: a front without points (got 0 and 1 points, wanted at least one each)");
    CHECK_FALSE(igd_plus(values{1}, {}, up));
    const auto bad = igd_plus(values{1}, values{infinite}, up);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().where == "IGD+, reference front");
}
