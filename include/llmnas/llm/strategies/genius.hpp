// SPDX-License-Identifier: MIT
/// \file
/// Iterative refinement from accuracy alone, as GENIUS does it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/prompt.hpp>

namespace llmnas {

/// After GENIUS: Zheng, Su, You, Wang, Qian, Xu, Albanie, "Can GPT-4 Perform Neural Architecture Search?",
/// arXiv:2304.10970, 2023. The model is told the task, the limits and the space, then every earlier design with its
/// accuracy and nothing else, and is asked for a better one: no costs, no front, no advice, no reasons. Designs that
/// were refused stand there without an accuracy. The words are ours; GENIUS samples at temperature 0.
template <SearchSpace Space>
class genius_prompt {
public:
    [[nodiscard]] static std::string_view name() { return "genius"; }

    void fit(std::size_t tokens) { tokens_ = tokens; }
    void explain(bool wanted) { form_.explain(wanted); }

    /// At most as many tokens as fit() allows, by token_estimate(): the oldest designs go first.
    [[nodiscard]] std::vector<chat_message> messages(const search_context<Space>& context) {
        prompt_document document;
        detail::add_task(document, context);
        document.section("# Objective");
        document.add(prompt_part::detail, "As much accuracy as possible within the constraints.\n");
        detail::add_constraints(document, context, false);
        detail::add_space<Space>(document);
        form_.add_to(document, context, context.trials.empty());
        add_designs(document, context);
        return form_.messages(tokens_, std::move(document));
    }

private:
    static void add_designs(prompt_document& document, const search_context<Space>& context) {
        std::vector<std::string> lines;
        const auto add = [&](const std::string& result, const network_of<Space>& net) {
            lines.push_back(fmt::format("- {}: {}\n", result, proposal_json<Space>(net).dump()));
        };
        for (std::size_t i = context.rejected.size(); i-- > 0;)
            if (context.rejected[i]) add("refused", *context.rejected[i]);
        double best = 0;
        for (auto t = context.trials.rbegin(); t != context.trials.rend(); ++t) {
            if (t->state == trial_state::complete) {
                add(detail::percent(t->training.accuracy), t->candidate.network);
                best = std::max(best, t->training.accuracy);
            } else {
                add(t->state == trial_state::failed ? "failed" : "in training", t->candidate.network);
            }
        }
        document.section("# Designs so far with their accuracy, the latest first", lines.size());
        for (std::string& line : lines) document.add(prompt_part::later_example, std::move(line));
        if (best <= 0) return;
        document.section("# Next");
        document.add(prompt_part::note, fmt::format("The best design has {}. Learn from how the accuracies differ, and "
                                                    "propose a design that does better.\n",
                                                    detail::percent(best)));
    }

    std::size_t tokens_ = context_window{}.prompt_tokens();
    detail::answer_form<Space> form_;
};

}  // namespace llmnas
