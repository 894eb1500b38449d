// SPDX-License-Identifier: MIT
/// \file
/// What a search may use up: trials, proposals, time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <llmnas/search/rejection.hpp>
#include <llmnas/search/search_options.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// What of a study counts against a budget.
struct search_spending {
    std::int32_t trials = 0;
    std::uint64_t proposals = 0;
};

/// Proposals are those that became trials, repaired or not, and the rejections.
template <SearchSpace Space>
[[nodiscard]] search_spending spending_of(std::span<const trial<Space>> trials, const rejection_counts& rejections) {
    search_spending s{static_cast<std::int32_t>(trials.size()), 0};
    for (const auto& t : trials)
        if (is_proposal(t)) ++s.proposals;
    for (const auto n : rejections) s.proposals += n;
    return s;
}

/// The limits of a search. Time runs from construction.
class search_budget {
public:
    explicit search_budget(const search_options& o)
        : trials_(o.trials > 0 ? o.trials : unlimited), proposals_(o.proposals), max_seconds_(o.max_seconds) {}

    /// Trials in all, for study::start().
    [[nodiscard]] std::int32_t trials() const noexcept { return trials_; }
    [[nodiscard]] bool limits_proposals() const noexcept { return proposals_ > 0; }

    /// How many more proposals may be wanted; 0: the search ends.
    [[nodiscard]] std::int32_t left(const search_spending& s) const noexcept {
        const std::int32_t trials = std::max(0, trials_ - s.trials);
        if (!limits_proposals()) return trials;
        const auto proposals = static_cast<std::uint64_t>(proposals_);
        return std::min(trials, static_cast<std::int32_t>(proposals - std::min(proposals, s.proposals)));
    }

    [[nodiscard]] bool out_of_time() const {
        return max_seconds_ > 0 &&
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > max_seconds_;
    }

    /// `5 of 12 trials, 17 of 500 proposals`
    [[nodiscard]] std::string text(const search_spending& s) const {
        std::string t = trials_ == unlimited ? fmt::format("{} trials", s.trials)
                                             : fmt::format("{} of {} trials", s.trials, trials_);
        return limits_proposals() ? fmt::format("{}, {} of {} proposals", t, s.proposals, proposals_) : t;
    }

private:
    static constexpr std::int32_t unlimited = std::numeric_limits<std::int32_t>::max();

    std::int32_t trials_;
    std::int32_t proposals_;
    double max_seconds_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace llmnas
