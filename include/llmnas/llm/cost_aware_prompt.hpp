// SPDX-License-Identifier: MIT
/// \file
/// A prompt that says what costs how much where, how to mend what was refused, and what was not tried yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/cost_table.hpp>
#include <llmnas/llm/prompt.hpp>
#include <llmnas/llm/space_coverage.hpp>

namespace llmnas {

/// Task, objectives, constraints, search space and form as in paper_prompt; then networks of the front as examples in
/// the form of the answer, costs by stage of the last networks with the operator of the peak, the rejections, the
/// changes that would mend the last one, single changes of the most accurate network, and how often each choice of the
/// space was tried.
template <SearchSpace Space>
class cost_aware_prompt {
public:
    explicit cost_aware_prompt(feedback_options options = {}) : options_(options) {}

    [[nodiscard]] static std::string_view name() { return "cost-aware"; }

    void fit(std::size_t tokens) { tokens_ = tokens; }
    void explain(bool wanted) { form_.explain(wanted); }

    /// At most as many tokens as fit() allows, by token_estimate().
    [[nodiscard]] std::vector<chat_message> messages(const search_context<Space>& context) {
        prompt_document document;
        detail::add_task(document, context);
        detail::add_objectives(document, context, options_.target_accuracy);
        detail::add_constraints(document, context);
        detail::add_space<Space>(document);
        const bool shown = add_examples(document, context);
        form_.add_to(document, context, !shown);
        add_coverage(document, context);
        add_tables(document, context);
        detail::add_rejections(document, context, options_);
        suggestions_.add_mending(document, context, options_.suggestions_shown);
        suggestions_.add_next_steps(document, context);
        detail::add_notes(document, context, options_);
        return form_.messages(tokens_, std::move(document));
    }

private:
    /// The best of the front that lie in the space, each as it would be answered, the first instead of an example of
    /// the form; whether there are any.
    bool add_examples(prompt_document& document, const search_context<Space>& context) const {
        auto front = detail::best_of_front(context);
        std::erase_if(front, [](const auto* t) { return !contains<Space>(t->candidate.network); });
        document.section("# Good answers so far", front.size());
        for (std::size_t i = 0; i < std::min(front.size(), options_.front_shown); ++i)
            document.add(i == 0 ? prompt_part::form_example : prompt_part::later_example,
                         fmt::format("{}:\n{}\n", detail::trial_words(context, *front[i]),
                                     proposal_json<Space>(front[i]->candidate.network).dump()));
        return !front.empty();
    }

    /// The network refused last, then those of the last trials.
    void add_tables(prompt_document& document, const search_context<Space>& context) const {
        document.section("# Costs by stage");
        std::size_t left = options_.tables_shown;
        const auto add = [&](const std::string& title, const network_of<Space>& net) {
            const dynamic_graph graph(net);
            if (graph.error() || !context.memory.covers(graph.view()).complete() || left == 0) return;
            document.add(left-- == options_.tables_shown ? prompt_part::table : prompt_part::older_table,
                         title + ":\n" + detail::cost_table(graph.view(), Space::stages, context.memory));
        };
        if (const auto* refused = detail::last_refused(context)) add("the network refused last", *refused);
        for (auto t = context.trials.rbegin(); t != context.trials.rend() && left > 0; ++t)
            if (t->state == trial_state::complete) add(fmt::format("trial {}", t->number), t->candidate.network);
    }

    /// Over all trials and the networks refused since the last one.
    static void add_coverage(prompt_document& document, const search_context<Space>& context) {
        space_coverage<Space> coverage;
        for (const auto& t : context.trials) coverage.add(t.candidate.network);
        for (const auto& net : context.rejected)
            if (net) coverage.add(*net);
        if (coverage.networks() == 0) return;
        document.section(fmt::format("# Tried so far, in all stages of {} network{}; try what is rare",
                                     coverage.networks(), coverage.networks() == 1 ? "" : "s"));
        for (const std::string& line : coverage.lines()) document.add(prompt_part::coverage, "- " + line + "\n");
    }

    feedback_options options_;
    std::size_t tokens_ = context_window{}.prompt_tokens();
    detail::answer_form<Space> form_;
    suggestion_writer<Space> suggestions_;
};

}  // namespace llmnas
