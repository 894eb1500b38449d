// SPDX-License-Identifier: MIT
/// \file
/// Means of few runs, and how sure they are.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

#include <boost/math/distributions/students_t.hpp>

namespace llmnas {

/// A mean with the half width of its confidence interval; none of fewer than two values.
struct mean_interval {
    std::size_t count = 0;
    double mean = 0;
    std::optional<double> half_width = {};
};

/// Mean and confidence interval by Student's t, for values that are about normally distributed. `confidence` lies
/// between 0 and 1, exclusive.
[[nodiscard]] inline mean_interval mean_with_interval(std::span<const double> values, double confidence = 0.95) {
    mean_interval m{values.size()};
    if (values.empty()) return m;
    const auto n = static_cast<double>(values.size());
    for (const double v : values) m.mean += v / n;
    if (values.size() < 2) return m;
    double squares = 0;
    for (const double v : values) squares += (v - m.mean) * (v - m.mean);
    const boost::math::students_t distribution(n - 1);
    const double t = boost::math::quantile(boost::math::complement(distribution, (1 - confidence) / 2));
    m.half_width = t * std::sqrt(squares / (n - 1) / n);
    return m;
}

}  // namespace llmnas
