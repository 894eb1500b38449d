// SPDX-License-Identifier: MIT
/// \file
/// Uniform random sampling inside the feasible part of a space: the baseline of every search.
#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include <llmnas/search/proposer.hpp>
#include <llmnas/space/sampling.hpp>

namespace llmnas {

/// Draws uniform points until one keeps the limits and is new. Under the paper's limits 0.16 % of Table I do.
template <SearchSpace Space>
class random_proposer {
public:
    /// After `max_draws` for one proposal it gives up: rejection_kind::exhausted, with the last reason.
    explicit random_proposer(std::int32_t max_draws = 300'000) : max_draws_(max_draws) {}

    [[nodiscard]] static std::string_view name() { return "random"; }

    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        rejection last;
        for (std::int32_t i = 0; i < max_draws_; ++i) {
            const auto net = decode(sample<Space>(rng), context.task.input, context.task.classes);
            auto judged = context.judge(net);
            if (judged) return proposal<Space>{net, std::string(name())};
            last = std::move(judged.error());
        }
        last.kind = rejection_kind::exhausted;
        last.why.what =
            fmt::format("no network found in {} draws; the last was refused: {}", max_draws_, last.why.what);
        return tl::unexpected<rejection>(std::move(last));
    }

    void tell(const trial<Space>&) {}

private:
    std::int32_t max_draws_;
};

}  // namespace llmnas
