// SPDX-License-Identifier: MIT
/// \file
/// Pareto dominance and the archive of non-dominated trials.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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

/// Trials that no other trial dominates. Trials with equal values stay beside each other.
class pareto_archive {
public:
    struct member {
        std::int32_t trial = 0;  ///< number of the trial
        std::vector<double> values;
    };

    explicit pareto_archive(std::span<const direction> towards) : towards_(towards.begin(), towards.end()) {}

    /// Takes the trial in where nothing dominates it, and drops what it dominates. Values that are not finite, or too
    /// few of them, never enter.
    bool insert(std::int32_t trial, std::vector<double> values) {
        if (values.size() != towards_.size() ||
            !std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
            return false;
        for (const member& m : members_)
            if (dominates(m.values, values, towards_)) return false;
        std::erase_if(members_, [&](const member& m) { return dominates(values, m.values, towards_); });
        members_.push_back({trial, std::move(values)});
        return true;
    }

    /// In the order of their numbers.
    [[nodiscard]] std::vector<std::int32_t> trials() const {
        std::vector<std::int32_t> numbers;
        for (const member& m : members_) numbers.push_back(m.trial);
        std::sort(numbers.begin(), numbers.end());
        return numbers;
    }
    [[nodiscard]] std::span<const member> members() const { return members_; }

private:
    std::vector<direction> towards_;
    std::vector<member> members_;
};

}  // namespace llmnas
