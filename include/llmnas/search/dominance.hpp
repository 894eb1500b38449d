// SPDX-License-Identifier: MIT
/// \file
/// Pareto dominance, and points of objective values as the algorithms on fronts take them.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/search/objectives.hpp>

namespace llmnas {

/// a is at least as good as b in every objective and better in one.
[[nodiscard]] inline bool dominates(std::span<const double> a, std::span<const double> b,
                                    std::span<const direction> towards) {
    bool better = false;
    for (std::size_t i = 0; i < towards.size(); ++i) {
        const double x = towards[i] == direction::maximize ? -a[i] : a[i];
        const double y = towards[i] == direction::maximize ? -b[i] : b[i];
        if (x > y) return false;
        better |= x < y;
    }
    return better;
}

namespace detail {

/// Points one after the other, every objective to be minimised.
struct minimised_points {
    std::vector<double> values;
    std::size_t objectives = 0;

    [[nodiscard]] std::size_t size() const { return objectives == 0 ? 0 : values.size() / objectives; }
    [[nodiscard]] const double* at(std::size_t i) const { return values.data() + i * objectives; }
};

/// a is at least as good as b everywhere; m objectives, minimised.
[[nodiscard]] inline bool covers(const double* a, const double* b, std::size_t m) {
    for (std::size_t i = 0; i < m; ++i)
        if (a[i] > b[i]) return false;
    return true;
}

/// Refuses values that are not finite, and numbers of values that make no whole points.
[[nodiscard]] inline result<minimised_points> minimise(std::span<const double> points,
                                                       std::span<const direction> towards, std::string where) {
    const std::size_t m = towards.size();
    if (m == 0) return fail(errc::bad_input, "no objectives", std::move(where));
    if (points.size() % m != 0)
        return fail(errc::bad_input, "values that make no whole points", std::move(where),
                    fmt::format("{}", points.size()), fmt::format("a multiple of {}", m));
    minimised_points p{{points.begin(), points.end()}, m};
    for (std::size_t i = 0; i < p.values.size(); ++i) {
        if (!std::isfinite(p.values[i]))
            return fail(errc::bad_input, "a value that is not finite", std::move(where),
                        fmt::format("{} in objective {} of point {}", p.values[i], i % m, i / m), "finite values");
        if (towards[i % m] == direction::maximize) p.values[i] = -p.values[i];
    }
    return p;
}

}  // namespace detail

}  // namespace llmnas
