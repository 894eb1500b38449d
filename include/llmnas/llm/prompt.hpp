// SPDX-License-Identifier: MIT
/// \file
/// Prompts as policies, and the paper's prompt (El Zeinaty et al., IJCNN 2025, Fig. 4) in words of our own.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/llm/answer_form.hpp>
#include <llmnas/llm/context_window.hpp>
#include <llmnas/llm/feedback.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/prompt_document.hpp>
#include <llmnas/llm/prompt_parts.hpp>
#include <llmnas/llm/suggestion_section.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas {

/// Turns the state of a search into the messages of one request. The answer is expected in the form of
/// proposal_schema(). May keep state (a conversation, an example), for one search.
/// Optional members: see SizedPrompt and ExplainingPrompt.
template <class P, class Space>
concept PromptPolicy = SearchSpace<Space> && requires(P& p, const P& c, const search_context<Space>& context) {
    { c.name() } -> std::convertible_to<std::string_view>;
    { p.messages(context) } -> std::same_as<std::vector<chat_message>>;
};

/// A prompt policy that keeps to a number of tokens, by token_estimate(). It is told before each prompt: what the
/// model's context leaves beside the answer and the conversation, less where the server said that it was too much.
template <class P>
concept SizedPrompt = requires(P& p, std::size_t tokens) {
    p.fit(tokens);
};

/// A prompt policy that can ask for an explanation too: for an answer in the form of explained_schema(). It is told
/// once, before the first prompt. Behind a prompt of another policy the proposer asks in a sentence.
template <class P>
concept ExplainingPrompt = requires(P& p) {
    p.explain(true);
};

/// Role, task, objectives, constraints, search space, example; then the front, the most accurate network, averages,
/// rejections and computed suggestions. All numbers come from the context; the example is a network that keeps the
/// limits, drawn from the space once.
template <SearchSpace Space>
class paper_prompt {
public:
    explicit paper_prompt(feedback_options options = {}) : options_(options) {}

    [[nodiscard]] static std::string_view name() { return "paper"; }

    void fit(std::size_t tokens) { tokens_ = tokens; }
    void explain(bool wanted) { form_.explain(wanted); }

    /// At most as many tokens as fit() allows, by token_estimate().
    [[nodiscard]] std::vector<chat_message> messages(const search_context<Space>& context) {
        prompt_document document;
        detail::add_task(document, context);
        detail::add_objectives(document, context, options_.target_accuracy);
        detail::add_constraints(document, context);
        detail::add_space<Space>(document);
        form_.add_to(document, context);
        detail::add_front(document, context, options_);
        detail::add_statistics(document, context, options_);
        detail::add_rejections(document, context, options_);
        suggestions_.add_mending(document, context, options_.suggestions_shown);
        suggestions_.add_next_steps(document, context);
        detail::add_notes(document, context, options_);
        return form_.messages(tokens_, std::move(document));
    }

private:
    feedback_options options_;
    std::size_t tokens_ = context_window{}.prompt_tokens();
    detail::answer_form<Space> form_;
    suggestion_writer<Space> suggestions_;
};

}  // namespace llmnas
