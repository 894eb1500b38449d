// SPDX-License-Identifier: MIT
/// \file
/// Searches at equal budget: the curves of several studies, grouped by who proposed, as means over seeds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <llmnas/search/mean_interval.hpp>
#include <llmnas/search/search_budget.hpp>
#include <llmnas/search/study_curve.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// Who searched: the proposer that the trials name, or its language model; several of a study joined by ` + `. Where
/// the journal does not say, those who proposed; `random` alone or not at all, as others begin with random networks.
template <SearchSpace Space>
[[nodiscard]] std::string search_of(std::span<const trial<Space>> trials) {
    std::vector<std::string> named, proposers;
    const auto add = [](std::vector<std::string>& names, const std::string& name) {
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const auto& t : trials) {
        add(named, t.history.search);
        if (is_proposal(t)) add(proposers, t.proposer);
    }
    if (proposers.size() > 1) std::erase(proposers, "random");
    std::string text;
    for (const std::string& name : named.empty() ? proposers : named) text += (text.empty() ? "" : " + ") + name;
    return text;
}

/// One study of a comparison.
struct compared_study {
    std::string search;  ///< group that it belongs to
    std::vector<curve_point> curve;
};

enum class budget_unit : std::uint8_t { trials, epochs };

[[nodiscard]] constexpr const char* name_of(budget_unit u) noexcept {
    return u == budget_unit::trials ? "trials" : "epochs";
}

/// What the studies of one group had reached within one budget.
struct comparison_entry {
    std::string search;
    std::int64_t budget = 0;
    mean_interval hypervolume;
    mean_interval accuracy;
};

/// The budget that all studies used up.
[[nodiscard]] inline std::int64_t common_budget(std::span<const compared_study> studies, budget_unit unit) {
    std::int64_t common = studies.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
    for (const compared_study& s : studies) {
        const curve_point last = s.curve.empty() ? curve_point{} : s.curve.back();
        common = std::min(common, unit == budget_unit::trials ? std::int64_t{last.trials} : last.epochs);
    }
    return common;
}

/// At most `count` budgets up to the common one, evenly spread, the last one included.
[[nodiscard]] inline std::vector<std::int64_t> budgets_up_to(std::int64_t common, std::int64_t count) {
    std::vector<std::int64_t> budgets;
    for (std::int64_t i = 1; i <= count; ++i) {
        const std::int64_t b = (common * i + count - 1) / count;
        if (b > 0 && (budgets.empty() || b > budgets.back())) budgets.push_back(b);
    }
    return budgets;
}

/// An entry for each group and budget; groups in the order of their names.
[[nodiscard]] inline std::vector<comparison_entry> compare(std::span<const compared_study> studies, budget_unit unit,
                                                           std::span<const std::int64_t> budgets, double confidence) {
    std::map<std::string, std::vector<const compared_study*>> groups;
    for (const compared_study& s : studies) groups[s.search].push_back(&s);
    std::vector<comparison_entry> entries;
    for (const auto& group : groups)
        for (const std::int64_t budget : budgets) {
            std::vector<double> volumes, accuracies;
            for (const compared_study* s : group.second) {
                const curve_point p = unit == budget_unit::trials
                                          ? within_trials(s->curve, static_cast<std::int32_t>(budget))
                                          : within_epochs(s->curve, budget);
                volumes.push_back(p.hypervolume);
                accuracies.push_back(p.accuracy);
            }
            entries.push_back({group.first, budget, mean_with_interval(volumes, confidence),
                               mean_with_interval(accuracies, confidence)});
        }
    return entries;
}

}  // namespace llmnas
