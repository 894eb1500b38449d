// SPDX-License-Identifier: MIT
/// \file
/// Asynchronous successive halving with several objectives: which network climbs to the next rung.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include <llmnas/core/result.hpp>
#include <llmnas/search/front_quality.hpp>
#include <llmnas/search/hypervolume.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/rung.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// What each point of one front dominates alone, as a share of the box around the front, a tenth of its extent wider on
/// the worse sides, so that its ends count too (Beume, Naujoks, Emmerich, "SMS-EMOA: Multiobjective selection based on
/// dominated hypervolume", EJOR 181(3), 2007). Of points with equal values none dominates anything alone. Values that
/// are not finite are an error.
[[nodiscard]] inline result<std::vector<double>> hypervolume_contributions(std::span<const double> front,
                                                                           std::span<const direction> towards) {
    const std::size_t m = towards.size(), n = m == 0 ? 0 : front.size() / m;
    std::vector<double> scaled(front.begin(), front.end()), reference(m);
    for (std::size_t k = 0; k < m; ++k) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (std::size_t i = 0; i < n; ++i) {
            low = std::min(low, front[i * m + k]);
            high = std::max(high, front[i * m + k]);
        }
        const double extent = high > low ? high - low : 1;
        for (std::size_t i = 0; i < n; ++i) scaled[i * m + k] = (front[i * m + k] - low) / extent;
        reference[k] = towards[k] == direction::minimize ? 1.1 : -0.1;
    }
    const auto all = hypervolume(scaled, reference, towards);
    if (!all) return tl::unexpected<error>(all.error());
    std::vector<double> contributions;
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<double> others = scaled;
        const auto at = others.begin() + static_cast<std::ptrdiff_t>(i * m);
        others.erase(at, at + static_cast<std::ptrdiff_t>(m));
        const auto without = hypervolume(others, reference, towards);
        if (!without) return tl::unexpected<error>(without.error());
        contributions.push_back(*all - *without);
    }
    return contributions;
}

/// Positions of the best `count` points, best first: by non-dominated rank, within a rank by hypervolume contribution,
/// then in the order given.
[[nodiscard]] inline result<std::vector<std::size_t>> promotion_order(std::span<const double> points,
                                                                      std::span<const direction> towards,
                                                                      std::size_t count) {
    const auto ranks = non_dominated_ranks(points, towards);
    if (!ranks) return tl::unexpected<error>(ranks.error());
    const std::size_t m = towards.size();
    std::vector<std::vector<std::size_t>> fronts;
    for (std::size_t i = 0; i < ranks->size(); ++i) {
        const auto r = static_cast<std::size_t>((*ranks)[i]);
        if (fronts.size() <= r) fronts.resize(r + 1);
        fronts[r].push_back(i);
    }
    std::vector<std::size_t> order;
    for (const auto& front : fronts) {
        if (order.size() >= count) break;
        std::vector<double> values;
        for (const std::size_t i : front)
            values.insert(values.end(), points.begin() + static_cast<std::ptrdiff_t>(i * m),
                          points.begin() + static_cast<std::ptrdiff_t>((i + 1) * m));
        const auto alone = hypervolume_contributions(values, towards);
        if (!alone) return tl::unexpected<error>(alone.error());
        std::vector<std::size_t> by(front.size());
        std::iota(by.begin(), by.end(), std::size_t{0});
        const auto rounded = [&](std::size_t k) { return std::round((*alone)[k] * 1e12); };  // equal but for rounding
        std::stable_sort(by.begin(), by.end(), [&](std::size_t a, std::size_t b) { return rounded(a) > rounded(b); });
        for (const std::size_t k : by) order.push_back(front[k]);
    }
    if (order.size() > count) order.resize(count);
    return order;
}

/// The trial whose network is to run on the next rung, if any: highest rung first, the best of the first 1/reduction of
/// the trials that ended on it that has not been promoted. Schmucker, Donini, Zafar, Salinas, Archambeau,
/// "Multi-objective asynchronous successive halving", 2021 (arXiv:2106.12639), with its rule for the order replaced by
/// rank and hypervolume contribution; asynchronous promotion as in Li et al., "A system for massively parallel
/// hyperparameter tuning", MLSys 2020. It depends on the ended trials alone: a search that goes on after a kill
/// promotes as one that was not killed.
template <SearchSpace Space>
[[nodiscard]] std::optional<std::int32_t> next_promotion(std::span<const trial<Space>> trials,
                                                         const halving_options& options,
                                                         std::span<const direction> towards) {
    std::set<std::int32_t> promoted;
    std::vector<std::vector<std::int32_t>> ended(options.rungs.size());
    for (const auto& t : trials) {
        if (!t.rung) continue;
        if (t.rung->promoted_from) promoted.insert(*t.rung->promoted_from);
        if (t.state == trial_state::pruned && t.candidate.feasible && t.values.size() == towards.size() &&
            t.rung->number >= 0 && static_cast<std::size_t>(t.rung->number) + 1 < options.rungs.size())
            ended[static_cast<std::size_t>(t.rung->number)].push_back(t.number);
    }
    for (std::size_t r = options.rungs.size(); r-- > 0;) {
        const std::size_t places = ended[r].size() / static_cast<std::size_t>(options.reduction);
        if (places == 0) continue;
        std::vector<double> points;
        for (const std::int32_t n : ended[r]) {
            const auto& values = trials[static_cast<std::size_t>(n)].values;
            points.insert(points.end(), values.begin(), values.end());
        }
        const auto order = promotion_order(points, towards, places);
        if (!order) continue;  // a value that is not finite, of another program
        for (const std::size_t k : *order)
            if (const std::int32_t n = ended[r][k]; !promoted.contains(n)) return n;
    }
    return std::nullopt;
}

}  // namespace llmnas
