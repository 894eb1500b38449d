// SPDX-License-Identifier: MIT
// Hypervolumes against inclusion and exclusion over all subsets, against cells of a grid, and against Monte Carlo.
#include <llmnas/search/hypervolume.hpp>

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

std::vector<direction> all_minimised(std::size_t m) { return std::vector<direction>(m, direction::minimize); }

/// Volume of a union of boxes by inclusion and exclusion; 2^n steps.
double by_subsets(const values& points, const values& ref) {
    const std::size_t m = ref.size(), n = points.size() / m;
    double sum = 0;
    for (std::size_t set = 1; set < std::size_t{1} << n; ++set) {
        double volume = 1;
        for (std::size_t k = 0; k < m; ++k) {
            double worst = -std::numeric_limits<double>::infinity();
            for (std::size_t i = 0; i < n; ++i)
                if (set >> i & 1) worst = std::max(worst, points[i * m + k]);
            volume *= std::max(ref[k] - worst, 0.0);
        }
        sum += __builtin_popcountll(set) % 2 == 1 ? volume : -volume;
    }
    return sum;
}

/// Integer coordinates below `side`, reference point at `side`: unit cells that a point covers, one by one.
double by_cells(const values& points, std::size_t m, int side) {
    std::vector<int> cell(m, 0);
    double covered = 0;
    while (true) {
        for (std::size_t i = 0; i < points.size(); i += m) {
            bool inside = true;
            for (std::size_t k = 0; k < m; ++k) inside = inside && points[i + k] <= cell[k];
            if (!inside) continue;
            ++covered;
            break;
        }
        std::size_t k = 0;
        while (k < m && ++cell[k] == side) cell[k++] = 0;
        if (k == m) return covered;
    }
}

values uniform(std::size_t n, std::size_t m, splitmix64& rng) {
    values points(n * m);
    for (double& v : points) v = rng.uniform();
    return points;
}

values on_sphere(std::size_t n, std::size_t m, splitmix64& rng) {
    values points = uniform(n, m, rng);
    for (std::size_t i = 0; i < n; ++i) {
        double squares = 0;
        for (std::size_t k = 0; k < m; ++k) squares += points[i * m + k] * points[i * m + k];
        for (std::size_t k = 0; k < m; ++k) points[i * m + k] = 1 - points[i * m + k] / std::sqrt(squares);
    }
    return points;
}

}  // namespace

TEST_CASE("hypervolume: equal to inclusion and exclusion", "[search]") {
    splitmix64 rng{1};
    for (std::size_t m = 1; m <= 6; ++m)
        for (std::size_t n = 0; n <= 10; ++n)
            for (int round = 0; round < 12; ++round) {
                const values points = round % 2 == 0 ? uniform(n, m, rng) : on_sphere(n, m, rng);
                const values ref(m, round % 3 == 0 ? 0.7 : 1.1);  // 0.7: some points beyond it
                INFO(m << " objectives, " << n << " points");
                REQUIRE(hypervolume(points, ref, all_minimised(m)).value() ==
                        Catch::Approx(by_subsets(points, ref)).margin(1e-12));
            }
}

TEST_CASE("hypervolume: equal to a count of cells, with equal points and equal coordinates", "[search]") {
    splitmix64 rng{2};
    for (std::size_t m = 1; m <= 5; ++m)
        for (const std::size_t n : {1U, 5U, 30U, 120U})
            for (int side = 2; side <= (m < 5 ? 8 : 5); side += 3) {
                values points(n * m);
                for (double& v : points) v = static_cast<double>(rng.below(static_cast<std::uint64_t>(side) + 1));
                INFO(m << " objectives, " << n << " points, side " << side);
                REQUIRE(hypervolume(points, values(m, side), all_minimised(m)).value() == by_cells(points, m, side));
            }
}

TEST_CASE("hypervolume: within Monte Carlo's bounds for fronts of hundreds of points", "[search]") {
    splitmix64 rng{3};
    for (std::size_t m = 2; m <= 5; ++m) {
        const std::size_t n = m < 5 ? 300 : 40;
        const values points = on_sphere(n, m, rng);
        const int samples = 40'000;
        int inside = 0;
        for (int s = 0; s < samples; ++s) {
            const values x = uniform(1, m, rng);
            for (std::size_t i = 0; i < n; ++i)
                if (detail::covers(points.data() + i * m, x.data(), m)) {
                    ++inside;
                    break;
                }
        }
        const double share = static_cast<double>(inside) / samples;
        const double sigma = std::sqrt(share * (1 - share) / samples);
        const double volume = hypervolume(points, values(m, 1.0), all_minimised(m)).value();
        INFO(m << " objectives: " << volume << " against " << share << " +- " << sigma);
        CHECK(std::abs(volume - share) < 5 * sigma);
        CHECK(volume < 1);
    }
}

TEST_CASE("hypervolume: the sweep in four dimensions equals the general algorithm", "[search]") {
    splitmix64 rng{8};
    for (int round = 0; round < 30; ++round) {
        const values points = round % 2 == 0 ? uniform(60, 4, rng) : on_sphere(60, 4, rng);
        const detail::minimised_points p{points, 4};
        const values ref(4, 1.0);
        CHECK(detail::hypervolume_4(p, ref.data()) ==
              Catch::Approx(detail::hypervolume_wfg(p, ref.data())).epsilon(1e-12));
    }
}

TEST_CASE("hypervolume: directions, order and dominated points change nothing", "[search]") {
    splitmix64 rng{5};
    for (std::size_t m = 1; m <= 5; ++m) {
        const values points = uniform(25, m, rng);
        const double plain = hypervolume(points, values(m, 1.0), all_minimised(m)).value();
        std::vector<direction> towards = all_minimised(m);
        values mirrored = points, ref(m, 1.0);
        for (std::size_t k = 0; k < m; k += 2) {
            towards[k] = direction::maximize;
            ref[k] = -1;
            for (std::size_t i = k; i < mirrored.size(); i += m) mirrored[i] = -mirrored[i];
        }
        CHECK(hypervolume(mirrored, ref, towards).value() == Catch::Approx(plain).epsilon(1e-12));
        values more;
        for (std::size_t i = points.size(); i > 0; i -= m)
            more.insert(more.end(), points.begin() + static_cast<std::ptrdiff_t>(i - m),
                        points.begin() + static_cast<std::ptrdiff_t>(i));
        for (std::size_t k = 0; k < m; ++k) more.push_back((points[k] + 1) / 2);  // dominated by the first
        more.insert(more.end(), points.begin(), points.begin() + static_cast<std::ptrdiff_t>(m));  // the first again
        CHECK(hypervolume(more, values(m, 1.0), all_minimised(m)).value() == Catch::Approx(plain).epsilon(1e-12));
    }
}

TEST_CASE("hypervolume: no points, points on and beyond the reference point", "[search]") {
    for (std::size_t m = 1; m <= 5; ++m) {
        const auto d = all_minimised(m);
        const values ref(m, 1.0);
        CHECK(hypervolume({}, ref, d).value() == 0);
        CHECK(hypervolume(ref, ref, d).value() == 0);
        values beyond(m, 0.0);
        beyond[m - 1] = 2;
        CHECK(hypervolume(beyond, ref, d).value() == 0);
        beyond[m - 1] = 1;
        CHECK(hypervolume(beyond, ref, d).value() == 0);
        CHECK(hypervolume(values(m, 0.5), ref, d).value() == std::pow(0.5, static_cast<double>(m)));
        CHECK(hypervolume(values(m, -1.0), ref, d).value() == std::pow(2.0, static_cast<double>(m)));
    }
}

TEST_CASE("hypervolume: what is refused, and how", "[search]") {
    const auto d = all_minimised(2);
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
    const auto why = [&](const values& points, const values& ref, std::span<const direction> towards) {
        const auto v = hypervolume(points, ref, towards);
        return v ? std::string("taken") : v.error().text();
    };
    CHECK(why({0, 0, 0, -infinite}, {1, 1}, d) ==
          "hypervolume: a value that is not finite (got -inf in objective 1 of point 1, wanted finite values)");
    CHECK(why({nan, 0}, {1, 1}, d) ==
          "hypervolume: a value that is not finite (got nan in objective 0 of point 0, wanted finite values)");
    CHECK(why({0, 0}, {1, infinite}, d) ==
          "hypervolume, reference point: a value that is not finite (got inf in objective 1 of point 0, wanted finite "
          "values)");
    CHECK(why({0, 0, 0}, {1, 1}, d) == "hypervolume: values that make no whole points (got 3, wanted a multiple of 2)");
    CHECK(why({0, 0}, {1}, d) == "hypervolume: a reference point of another size (got 1, wanted 2)");
    CHECK(why({}, {}, {}) == "hypervolume, reference point: no objectives");
}
