// SPDX-License-Identifier: MIT
/// \file
/// Flags of `llmnas search` on how a language model proposes and what it may cost.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/llm/any_language_model.hpp>
#include <llmnas/llm/cost_aware_prompt.hpp>
#include <llmnas/llm/llm_proposer.hpp>
#include <llmnas/llm/strategies/genius.hpp>
#include <llmnas/llm/strategies/quality_diversity.hpp>
#include <llmnas/search/repair.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::cli {

class llm_flags {
public:
    void add_to(CLI::App& command) {
        command
            .add_option("--llm-strategy,--prompt", strategy_,
                        "What a language model is told: paper (El Zeinaty et al.), cost-aware, genius (accuracies "
                        "alone) or quality-diversity (as LLMatic)")
            ->check(CLI::IsMember({"paper", "cost-aware", "genius", "quality-diversity"}))
            ->capture_default_str();
        command
            .add_option("--llm-context", context_,
                        fmt::format("Context length of the language model, tokens; prompts keep to it; else as the "
                                    "server says, or {}",
                                    context_window{}.tokens))
            ->check(CLI::Range(64, 100'000'000));
        command.add_option("--llm-batch", batch_, "Networks asked for in one call")
            ->check(CLI::Range(1, 100))
            ->capture_default_str();
        command
            .add_option("--llm-ahead", ahead_,
                        "Proposals asked for while a network trains; 0: the model waits for each result")
            ->check(CLI::Range(0, 100))
            ->capture_default_str();
        command
            .add_option("--llm-conversation", conversation_,
                        "Earlier answers that the model is shown; 0: every call stands alone")
            ->check(CLI::Range(0, 100))
            ->capture_default_str();
        command.add_flag("--llm-explain", explain_,
                         "Asks for an explanation beside each network; llmnas explain --study checks it");
        command.add_flag("--llm-repair", repair_,
                         "Trains the nearest network within the limits where a proposal is none; counted apart");
        command
            .add_option("--llm-prices", prices_, "Price of a million tokens in prompts and in answers, any currency")
            ->expected(2)
            ->check(CLI::NonNegativeNumber);
        command
            .add_option("--llm-max-tokens", max_tokens_,
                        "Tokens of the whole study after which evolution proposes; 0: no limit")
            ->capture_default_str();
        command
            .add_option("--llm-max-cost", max_cost_,
                        "Cost of the whole study by --llm-prices after which evolution proposes; 0: no limit")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str();
    }

    [[nodiscard]] std::optional<repair_options> repair() const {
        return repair_ ? std::optional<repair_options>(std::in_place) : std::nullopt;
    }

    /// True once no answer is wanted any more: a call under way may give up.
    [[nodiscard]] bool unwanted() const { return *unwanted_; }

    /// Runs a search with the model as its proposer. `in_background` is false for a replay.
    template <class Loop, class Network>
    [[nodiscard]] auto search(Loop& loop, any_language_model model, const std::vector<Network>& included,
                              const proposal_counters& earlier, bool in_background) const {
        using space = table1_se;
        llm_proposer_options options;
        options.batch = batch_;
        options.ahead = ahead_;
        options.background = in_background;
        options.conversation = conversation_;
        options.explain = explain_;
        if (prices_.size() == 2) options.prices = {prices_[0], prices_[1]};
        options.caps = {max_tokens_, max_cost_};
        options.earlier = earlier;
        options.cancel = [unwanted = unwanted_] { *unwanted = true; };
        options.context = context_;
        const auto run = [&](auto prompt) {
            llm_proposer<space, any_language_model, decltype(prompt)> llm(std::move(model), options, std::move(prompt));
            return loop.run(llm, included);
        };
        if (strategy_ == cost_aware_prompt<space>::name()) return run(cost_aware_prompt<space>());
        if (strategy_ == genius_prompt<space>::name()) return run(genius_prompt<space>());
        if (strategy_ == quality_diversity_prompt<space>::name()) return run(quality_diversity_prompt<space>());
        return run(paper_prompt<space>());
    }

private:
    std::string strategy_ = "paper";
    std::optional<std::int32_t> context_;
    std::size_t batch_ = 1;
    std::size_t ahead_ = 1;
    std::size_t conversation_ = 0;
    bool explain_ = false;
    bool repair_ = false;
    std::vector<double> prices_;
    std::uint64_t max_tokens_ = 0;
    double max_cost_ = 0;
    std::shared_ptr<std::atomic<bool>> unwanted_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace llmnas::cli
