// SPDX-License-Identifier: MIT
/// \file
/// The cheapest rung of all: networks are scored without training, and only the best of several is trained.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/core/zero_cost_score.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas {

/// Asks another proposer for several networks that the search would take, and proposes the one with the best score.
template <SearchSpace Space, Proposer<Space> Inner, ZeroCostScore Score>
class prescreened_proposer {
public:
    /// `candidates`: networks that are scored for one proposal.
    prescreened_proposer(Inner inner, Score score, std::int32_t candidates)
        : inner_(std::move(inner)), score_(std::move(score)), candidates_(std::max(1, candidates)) {}

    [[nodiscard]] std::string_view name() const { return inner_.name(); }
    [[nodiscard]] std::string search_name() const {
        return fmt::format("{}, best of {} by {}", search_name_of(inner_), candidates_, score_.name());
    }

    /// Networks that cannot be scored lose against those that can. Where all proposals are refused, so is this one,
    /// with the reason of the last.
    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        std::optional<proposal<Space>> best;
        std::optional<double> best_score;
        rejection last;
        for (std::int32_t i = 0; i < candidates_; ++i) {
            auto asked = inner_.ask(context, rng);
            if (!asked) {
                last = std::move(asked.error());
                continue;
            }
            // What the search would refuse is told to nobody here: another one takes its place.
            if (auto judged = context.judge(asked->network); !judged) {
                last = std::move(judged.error());
                continue;
            }
            std::optional<double> score;
            if (const dynamic_graph graph(asked->network); !graph.error())
                if (const auto scored = score_(graph.view(), rng()); scored) score = *scored;
            if (best && (!score || (best_score && *score <= *best_score))) continue;
            best = std::move(*asked);
            best_score = score;
        }
        if (!best) return tl::unexpected<rejection>(std::move(last));
        best->proposer = search_name();
        return std::move(*best);
    }

    void tell(const trial<Space>& finished) { inner_.tell(finished); }

private:
    Inner inner_;
    Score score_;
    std::int32_t candidates_;
};

}  // namespace llmnas
