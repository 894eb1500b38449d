// SPDX-License-Identifier: MIT
/// \file
/// The form of the answer: what a prompt says of it, with an example, and the words around a prompt.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/schema.hpp>
#include <llmnas/llm/prompt_document.hpp>
#include <llmnas/llm/prompt_parts.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/space/sampling.hpp>

namespace llmnas::detail {

/// `"blocks", ..., and "explanation", ...`: the members of an answer with its explanation.
template <SearchSpace Space>
[[nodiscard]] std::string explained_members() {
    return fmt::format(
        "\"blocks\", an array of {} objects, the first stage first, and behind it \"explanation\", a text of at most "
        "{} "
        "characters: why these values, in short sentences that name stages by number, one statement each",
        Space::stages, explanation_characters);
}

/// The form in which a prompt asks for its answer: the stages, or an object with them and why they are so.
template <SearchSpace Space>
class answer_form {
public:
    void explain(bool wanted) { explained_ = wanted; }

    /// The form, and where wanted an answer as it should look: a network within the limits, whether tried already or
    /// not, else any of the space. A prompt that shows answers anyway needs none.
    void add_to(prompt_document& document, const search_context<Space>& context, bool wanted = true) {
        document.section("# Form of the answer");
        document.add(prompt_part::essential,
                     explained_
                         ? fmt::format("A JSON object with two members: {}. Networks shown elsewhere are \"blocks\" "
                                       "alone.\n",
                                       explained_members<Space>())
                         : fmt::format("A JSON array of {} objects, the first stage first.\n", Space::stages));
        if (!wanted) return;
        if (!network_) draw(context);
        std::string example = lines_of(*network_);
        if (explained_) {
            example.pop_back();
            example = "{\"blocks\": " + example + ",\n\"explanation\": \"<why you chose these values>\"}\n";
        }
        document.add(prompt_part::form_example,
                     fmt::format("An example {}:\n", feasible_ ? "that keeps the limits" : "of the form") + example);
    }

    /// The messages of a prompt of at most so many tokens.
    [[nodiscard]] std::vector<chat_message> messages(std::size_t tokens, prompt_document document) const {
        constexpr std::string_view who =
            "You design convolutional networks for image classification on microcontrollers. You answer with one JSON "
            "value and nothing else: ";
        const std::string_view how =
            explained_
                ? "your reasons stand inside it, in \"explanation\"; no text around it, no comments, no code fence."
                : "no explanation, no comments, no code fence.";
        const std::string request =
            fmt::format("\nPropose the next network now{}, as JSON only.\n", explained_ ? " and explain it" : "");
        std::string least = explained_ ? fmt::format("Answer with a JSON object that is a convolutional network: {}.\n",
                                                     explained_members<Space>())
                                       : fmt::format(
                                             "Answer with a JSON array of {} objects, the stages of a "
                                             "convolutional network.\n",
                                             Space::stages);
        return messages_within(tokens, fmt::format("{}{}", who, how), std::move(document), request, std::move(least));
    }

private:
    /// Under the paper's limits one network of Table I in 600 is feasible.
    static constexpr int draws = 5'000;

    void draw(const search_context<Space>& context) {
        splitmix64 rng{20250414};
        for (int i = 0; i < draws && !feasible_; ++i) {
            const auto net = decode(sample<Space>(rng), context.task.input, context.task.classes);
            const auto judged = context.judge(net);
            feasible_ = judged || judged.error().kind == rejection_kind::duplicate;
            if (feasible_ || i == 0) network_ = proposal_json<Space>(net);
        }
    }

    bool explained_ = false;
    std::optional<nlohmann::ordered_json> network_;
    bool feasible_ = false;
};

}  // namespace llmnas::detail
