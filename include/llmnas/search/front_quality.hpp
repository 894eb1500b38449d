// SPDX-License-Identifier: MIT
/// \file
/// Ranks of points by non-domination, crowding distances, and distances between fronts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <fmt/format.h>

#include <llmnas/search/dominance.hpp>

namespace llmnas {

/// Rank of each point: 0 where no other dominates it, else one more than the highest rank of those that do. `points`
/// are one after the other. ENS-BS (Zhang, Tian, Cheng, Jin, "An efficient approach to nondominated sorting for
/// evolutionary multiobjective optimization", IEEE Transactions on Evolutionary Computation 19(2), 2015): O(n log n)
/// with two objectives, O(n^2) at most with more.
[[nodiscard]] inline result<std::vector<std::int32_t>> non_dominated_ranks(std::span<const double> points,
                                                                           std::span<const direction> towards) {
    const auto p = detail::minimise(points, towards, "non-dominated sorting");
    if (!p) return tl::unexpected<error>(p.error());
    const std::size_t m = towards.size();
    std::vector<std::size_t> order(p->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto before = [&](std::size_t a, std::size_t b) {
        return std::lexicographical_compare(p->at(a), p->at(a) + m, p->at(b), p->at(b) + m);
    };
    std::stable_sort(order.begin(), order.end(), before);
    std::vector<std::int32_t> ranks(p->size());
    std::vector<std::vector<std::size_t>> fronts;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const double* const q = p->at(order[i]);
        if (i > 0 && std::equal(q, q + m, p->at(order[i - 1]))) {  // never dominates its equal
            ranks[order[i]] = ranks[order[i - 1]];
            continue;
        }
        // Points behind in this order dominate none before. With two objectives the last of a front has its least
        // second value; who is dominated by a front is by all before it.
        const auto dominated_by = [&](const std::vector<std::size_t>& front) {
            if (m <= 2) return detail::covers(p->at(front.back()), q, m);
            return std::any_of(front.rbegin(), front.rend(),
                               [&](std::size_t k) { return detail::covers(p->at(k), q, m); });
        };
        const auto front = std::partition_point(fronts.begin(), fronts.end(), dominated_by);
        ranks[order[i]] = static_cast<std::int32_t>(front - fronts.begin());
        if (front == fronts.end())
            fronts.push_back({order[i]});
        else
            front->push_back(order[i]);
    }
    return ranks;
}

/// Crowding distance of each point of one front: the sides of the box between its neighbours, in parts of the front's
/// extent; infinite at the ends (Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm:
/// NSGA-II", IEEE Transactions on Evolutionary Computation 6(2), 2002). Points with equal values count as one: all but
/// the first of them have distance 0. Values that are not finite are an error.
[[nodiscard]] inline result<std::vector<double>> crowding_distances(std::span<const double> points,
                                                                    std::span<const direction> towards) {
    const auto p = detail::minimise(points, towards, "crowding distance");
    if (!p) return tl::unexpected<error>(p.error());
    const std::size_t m = towards.size();
    std::vector<std::size_t> order(p->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::lexicographical_compare(p->at(a), p->at(a) + m, p->at(b), p->at(b) + m);
    });
    order.erase(std::unique(order.begin(), order.end(),
                            [&](std::size_t a, std::size_t b) { return std::equal(p->at(a), p->at(a) + m, p->at(b)); }),
                order.end());
    std::vector<double> distances(p->size(), 0);
    for (std::size_t k = 0; k < m && !order.empty(); ++k) {
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return p->at(a)[k] < p->at(b)[k]; });
        const double extent = p->at(order.back())[k] - p->at(order.front())[k];
        distances[order.front()] = distances[order.back()] = std::numeric_limits<double>::infinity();
        if (extent <= 0) continue;
        for (std::size_t i = 1; i + 1 < order.size(); ++i)
            distances[order[i]] += (p->at(order[i + 1])[k] - p->at(order[i - 1])[k]) / extent;
    }
    return distances;
}

namespace detail {

/// Mean distance from the points of a reference front to the nearest of a front.
template <class Distance>
[[nodiscard]] result<double> mean_distance(std::span<const double> front, std::span<const double> reference,
                                           std::span<const direction> towards, const char* name, Distance&& distance) {
    const auto p = minimise(front, towards, name);
    if (!p) return tl::unexpected<error>(p.error());
    const auto r = minimise(reference, towards, fmt::format("{}, reference front", name));
    if (!r) return tl::unexpected<error>(r.error());
    if (p->size() == 0 || r->size() == 0)
        return fail(errc::bad_input, "a front without points", name,
                    fmt::format("{} and {} points", p->size(), r->size()), "at least one each");
    double sum = 0;
    for (std::size_t i = 0; i < r->size(); ++i) {
        double nearest = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < p->size(); ++j) {
            double squares = 0;
            for (std::size_t k = 0; k < towards.size(); ++k) {
                const double d = distance(p->at(j)[k], r->at(i)[k]);
                squares += d * d;
            }
            nearest = std::min(nearest, squares);
        }
        sum += std::sqrt(nearest);
    }
    return sum / static_cast<double>(r->size());
}

}  // namespace detail

/// Inverted generational distance: mean Euclidean distance from the points of a reference front to the nearest of the
/// front (Coello Coello, Reyes Sierra, "A study of the parallelization of a coevolutionary multi-objective evolutionary
/// algorithm", MICAI 2004). In the units of the values: objectives of different size are to be scaled before.
[[nodiscard]] inline result<double> igd(std::span<const double> front, std::span<const double> reference,
                                        std::span<const direction> towards) {
    return detail::mean_distance(front, reference, towards, "IGD", [](double a, double b) { return a - b; });
}

/// IGD+, which counts only what the front is worse in and so never prefers a dominated front (Ishibuchi, Masuda,
/// Tanigaki, Nojima, "Modified distance calculation in generational distance and inverted generational distance", EMO
/// 2015).
[[nodiscard]] inline result<double> igd_plus(std::span<const double> front, std::span<const double> reference,
                                             std::span<const direction> towards) {
    return detail::mean_distance(front, reference, towards, "IGD+",
                                 [](double a, double b) { return std::max(a - b, 0.0); });
}

}  // namespace llmnas
