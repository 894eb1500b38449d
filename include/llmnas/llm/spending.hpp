// SPDX-License-Identifier: MIT
/// \file
/// What a language model costs, and how much it may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <llmnas/llm/context_window.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/search/proposal_counters.hpp>

namespace llmnas {

/// In any currency, for a million tokens.
struct token_prices {
    double prompt = 0;
    double completion = 0;
};

/// Limits after which a search goes on without the model. A call that passes one is still used.
struct spending_caps {
    std::uint64_t tokens = 0;  ///< of prompts and answers together; 0: no limit
    double cost = 0;           ///< in the currency of the prices; 0: no limit

    /// Which cap is reached, in a sentence.
    [[nodiscard]] std::optional<std::string> reached(const proposal_counters& spent) const {
        const std::uint64_t used = spent.prompt_tokens + spent.completion_tokens;
        if (tokens > 0 && used >= tokens)
            return fmt::format("the language model has used {} tokens of the {} allowed", used, tokens);
        if (cost > 0 && spent.cost >= cost)
            return fmt::format("the language model has cost {:.4f} of the {:.4f} allowed", spent.cost, cost);
        return std::nullopt;
    }
};

/// Counts tokens, seconds and money of an answer to a prompt. Tokens that the server does not count are estimated, so
/// that caps hold.
inline void count_costs(proposal_counters& counters, const completion& answer, std::size_t prompt_estimate,
                        const token_prices& prices) {
    if (answer.finish_reason == "length") ++counters.cut_replies;
    const token_usage used = answer.usage.value_or(token_usage{static_cast<std::int64_t>(prompt_estimate),
                                                               static_cast<std::int64_t>(token_estimate(answer.text))});
    const auto tokens = [](std::int64_t n) { return static_cast<std::uint64_t>(n > 0 ? n : 0); };
    counters.prompt_tokens += tokens(used.prompt);
    counters.completion_tokens += tokens(used.completion);
    counters.seconds += answer.seconds;
    counters.cost += (static_cast<double>(tokens(used.prompt)) * prices.prompt +
                      static_cast<double>(tokens(used.completion)) * prices.completion) /
                     1e6;
}

}  // namespace llmnas
