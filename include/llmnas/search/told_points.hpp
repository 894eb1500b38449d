// SPDX-License-Identifier: MIT
/// \file
/// What proposers keep of the trials that they are told.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <llmnas/search/objectives.hpp>
#include <llmnas/search/trial.hpp>
#include <llmnas/space/canonical.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// Finished trials of a space that keep the limits of the problem, in the order of their numbers, in whatever order
/// they were told.
template <SearchSpace Space>
class told_points {
public:
    struct told {
        std::int32_t number = 0;
        space_point<Space> point;  ///< canonical
        std::vector<double> values;
    };

    /// Takes a trial in; one that failed, is over a limit, lies outside the space (included networks may) or has a
    /// value that is not finite is left out.
    void add(const trial<Space>& t) {
        if (t.state != trial_state::complete || !t.candidate.feasible ||
            !std::all_of(t.values.begin(), t.values.end(), [](double v) { return std::isfinite(v); }))
            return;
        const auto found = encode<Space>(t.candidate.network);
        if (found.violation) return;
        const auto at = std::upper_bound(all_.begin(), all_.end(), t.number,
                                         [](std::int32_t n, const told& other) { return n < other.number; });
        all_.insert(at, {t.number, canonical(found.point), t.values});
    }

    [[nodiscard]] std::size_t size() const { return all_.size(); }
    [[nodiscard]] const told& at(std::size_t i) const { return all_[i]; }

private:
    std::vector<told> all_;
};

[[nodiscard]] inline std::vector<direction> directions_of(std::span<const objective_info> objectives) {
    std::vector<direction> towards;
    for (const objective_info& o : objectives) towards.push_back(o.towards);
    return towards;
}

/// By how much values break the limits of their objectives, each in parts of its limit; 0 where they keep all.
[[nodiscard]] inline double told_excess(std::span<const objective_info> objectives, std::span<const double> values) {
    double sum = 0;
    for (std::size_t k = 0; k < objectives.size(); ++k)
        if (const double excess = objectives[k].excess(values[k]); excess > 0)
            sum += excess / (*objectives[k].limit != 0 ? std::abs(*objectives[k].limit) : 1.0);
    return sum;
}

}  // namespace llmnas
