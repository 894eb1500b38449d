// SPDX-License-Identifier: MIT
/// \file
/// The exact hypervolume of a set of points: how much of the objective space they dominate, up to a reference point
/// (Zitzler, Thiele, "Multiobjective optimization using evolutionary algorithms", PPSN 1998).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/search/dominance.hpp>

namespace llmnas {

namespace detail {

/// What a staircase needs of std::map, in an array: faster for few steps.
class short_steps {
public:
    using iterator = std::vector<std::pair<double, double>>::iterator;

    [[nodiscard]] iterator lower_bound(double x) {
        return std::partition_point(steps_.begin(), steps_.end(), [x](const auto& s) { return s.first < x; });
    }
    iterator erase(iterator first, iterator last) { return steps_.erase(first, last); }
    iterator emplace_hint(iterator at, double x, double y) { return steps_.emplace(at, x, y); }
    [[nodiscard]] iterator end() { return steps_.end(); }
    void clear() { steps_.clear(); }

private:
    std::vector<std::pair<double, double>> steps_;
};

/// The area between points and a corner right of and above them, while points are added.
template <class Steps>
class staircase {
public:
    void start(double right, double top) {
        steps_.clear();
        steps_.emplace_hint(steps_.end(), -infinite, top);
        steps_.emplace_hint(steps_.end(), right, -infinite);
    }

    /// Adds a point; returns the area that is new.
    double add(double x, double y) {
        const auto first = steps_.lower_bound(x);
        double from = x, height = std::prev(first)->second, area = 0;
        if (height <= y || (first->first == x && first->second <= y)) return 0;
        auto next = first;
        for (; next->second >= y; ++next) {  // the corner's is the lowest
            area += (next->first - from) * (height - y);
            from = next->first;
            height = next->second;
        }
        area += (next->first - from) * (height - y);
        steps_.emplace_hint(steps_.erase(first, next), x, y);
        return area;
    }

private:
    static constexpr double infinite = std::numeric_limits<double>::infinity();
    Steps steps_;  ///< x rises, y falls
};

/// Positions of points by their last objective, best first.
[[nodiscard]] inline std::vector<std::size_t> by_last(const minimised_points& p) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t last = p.objectives - 1;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return p.at(a)[last] != p.at(b)[last] ? p.at(a)[last] < p.at(b)[last] : a < b;
    });
    return order;
}

/// Sweep along the second objective.
[[nodiscard]] inline double hypervolume_2(const minimised_points& p, const double* ref) {
    double volume = 0, right = ref[0];
    for (const std::size_t i : by_last(p)) {
        const double* const q = p.at(i);
        if (q[0] >= right) continue;
        volume += (right - q[0]) * (ref[1] - q[1]);
        right = q[0];
    }
    return volume;
}

/// Sweep along the third objective over a staircase in a balanced tree, O(n log n): Beume, Fonseca, Lopez-Ibanez,
/// Paquete, Vahrenhold, "On the complexity of computing the hypervolume indicator", IEEE Transactions on Evolutionary
/// Computation 13(5), 2009.
[[nodiscard]] inline double hypervolume_3(const minimised_points& p, const double* ref) {
    double volume = 0;
    staircase<std::map<double, double>> stairs;
    stairs.start(ref[0], ref[1]);
    for (const std::size_t i : by_last(p)) volume += stairs.add(p.at(i)[0], p.at(i)[1]) * (ref[2] - p.at(i)[2]);
    return volume;
}

/// Points in the order of the third of their objectives, of whose first three none dominates another's.
class three_sweep {
public:
    explicit three_sweep(const double* ref) : ref_(ref) {}

    /// Adds a point; returns the volume in the first three objectives that it dominates and no earlier one does.
    double add(const double* q) {
        const auto above =
            std::partition_point(known_.begin(), known_.end(), [q](const double* k) { return k[2] <= q[2]; });
        stairs_.start(ref_[0], ref_[1]);
        double area = (ref_[0] - q[0]) * (ref_[1] - q[1]);  // that is q's alone, at the height of the sweep
        for (auto k = known_.begin(); k != above; ++k) {
            if ((*k)[0] <= q[0] && (*k)[1] <= q[1]) return 0;
            area -= stairs_.add(std::max((*k)[0], q[0]), std::max((*k)[1], q[1]));
        }
        double volume = 0, z = q[2];
        for (auto k = above; k != known_.end(); ++k) {
            volume += area * ((*k)[2] - z);
            z = (*k)[2];
            area -= stairs_.add(std::max((*k)[0], q[0]), std::max((*k)[1], q[1]));
            if ((*k)[0] > q[0] || (*k)[1] > q[1]) continue;
            area = 0;
            break;
        }
        volume += area * (ref_[2] - z);
        // Those behind that q covers go. One before it, at its height, may stay: it adds no area any more.
        const auto place = known_.insert(above, q);
        known_.erase(std::remove_if(std::next(place), known_.end(), [q](const double* k) { return covers(q, k, 3); }),
                     known_.end());
        return volume;
    }

private:
    const double* ref_;
    std::vector<const double*> known_;
    staircase<short_steps> stairs_;
};

/// Sweep along the fourth objective; each point adds the volume that is its own in the first three, found by a sweep
/// along the third: Guerreiro, Fonseca, Emmerich, "A fast dimension-sweep algorithm for the hypervolume indicator in
/// four dimensions", CCCG 2012, with arrays for its linked lists. O(n^2 log n) at most.
[[nodiscard]] inline double hypervolume_4(const minimised_points& p, const double* ref) {
    double volume = 0;
    three_sweep sweep(ref);
    for (const std::size_t i : by_last(p)) volume += sweep.add(p.at(i)) * (ref[3] - p.at(i)[3]);
    return volume;
}

[[nodiscard]] inline double hypervolume_of(const minimised_points& p, const double* ref);

/// Any number of objectives: WFG (While, Bradstreet, Barone, "A fast way of calculating exact hypervolumes", IEEE
/// Transactions on Evolutionary Computation 16(1), 2012). What a point dominates alone is what it dominates less what
/// the others do within that. Exponential in the number of objectives at worst.
[[nodiscard]] inline double hypervolume_wfg(const minimised_points& p, const double* ref) {
    const std::size_t m = p.objectives;
    const auto order = by_last(p);
    double volume = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const double* const q = p.at(order[i]);
        minimised_points within{{}, m - 1};
        double box = 1;
        for (std::size_t k = 0; k + 1 < m; ++k) box *= ref[k] - q[k];
        std::vector<double> limited(m - 1);
        for (std::size_t j = 0; j < i; ++j) {
            for (std::size_t k = 0; k + 1 < m; ++k) limited[k] = std::max(q[k], p.at(order[j])[k]);
            bool needed = true;
            for (std::size_t o = 0; o < within.size() && needed; ++o)
                needed = !covers(within.at(o), limited.data(), m - 1);
            if (needed) within.values.insert(within.values.end(), limited.begin(), limited.end());
        }
        volume += (box - hypervolume_of(within, ref)) * (ref[m - 1] - q[m - 1]);
    }
    return volume;
}

[[nodiscard]] inline double hypervolume_of(const minimised_points& p, const double* ref) {
    if (p.size() == 0) return 0;
    switch (p.objectives) {
        case 1:
            return ref[0] - *std::min_element(p.values.begin(), p.values.end());
        case 2:
            return hypervolume_2(p, ref);
        case 3:
            return hypervolume_3(p, ref);
        case 4:
            return hypervolume_4(p, ref);
        default:
            return hypervolume_wfg(p, ref);
    }
}

}  // namespace detail

/// Volume that the points dominate within the box up to `reference`; `points` are one after the other, as many values
/// each as there are objectives. Points that are not better than the reference point in every objective add nothing.
/// Exact but for rounding; O(n log n) with up to three objectives. Values that are not finite are an error.
[[nodiscard]] inline result<double> hypervolume(std::span<const double> points, std::span<const double> reference,
                                                std::span<const direction> towards) {
    if (reference.size() != towards.size())
        return fail(errc::bad_input, "a reference point of another size", "hypervolume",
                    fmt::format("{}", reference.size()), fmt::format("{}", towards.size()));
    const auto ref = detail::minimise(reference, towards, "hypervolume, reference point");
    if (!ref) return tl::unexpected<error>(ref.error());
    const auto all = detail::minimise(points, towards, "hypervolume");
    if (!all) return tl::unexpected<error>(all.error());
    const std::size_t m = towards.size();
    detail::minimised_points inside{{}, m};
    for (std::size_t i = 0; i < all->size(); ++i) {
        const double* const p = all->at(i);
        if (std::equal(p, p + m, ref->values.begin(), [](double a, double b) { return a < b; }))
            inside.values.insert(inside.values.end(), p, p + m);
    }
    return detail::hypervolume_of(inside, ref->values.data());
}

}  // namespace llmnas
