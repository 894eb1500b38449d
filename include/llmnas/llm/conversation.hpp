// SPDX-License-Identifier: MIT
/// \file
/// What a language model said before, shown to it as its own words.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/llm/context_window.hpp>
#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// The last answers of a model. They stand between the system's message and the prompt, which says all that is known
/// anew: an answer that turned out bad is seen beside its result.
class conversation {
public:
    /// Keeps so many answers; 0: every call stands alone.
    explicit conversation(std::size_t answers) : most_(answers) {}

    /// An answer as it was understood.
    void add(std::string answer) {
        answers_.push_back(std::move(answer));
        if (answers_.size() > most_) answers_.pop_front();
    }

    /// The last answers that have at most so many tokens together, each behind a request.
    [[nodiscard]] std::vector<chat_message> messages_within(std::size_t tokens) const {
        std::vector<chat_message> earlier;
        std::size_t from = answers_.size();
        for (std::size_t used = 0; from > 0; --from) {
            used += 2 * detail::message_tokens + token_estimate(request_words) + token_estimate(answers_[from - 1]);
            if (used > tokens) break;
        }
        for (; from < answers_.size(); ++from) {
            earlier.push_back({chat_role::user, std::string(request_words)});
            earlier.push_back({chat_role::assistant, answers_[from]});
        }
        return earlier;
    }

    /// Puts earlier messages into a prompt.
    static void weave(const std::vector<chat_message>& earlier, std::vector<chat_message>& messages) {
        const std::size_t at = !messages.empty() && messages.front().role == chat_role::system ? 1 : 0;
        messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(at), earlier.begin(), earlier.end());
    }

    /// Drops the older half; false where nothing is left to drop.
    bool shorten() {
        if (answers_.empty()) return false;
        answers_.erase(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>((answers_.size() + 1) / 2));
        return true;
    }

private:
    static constexpr std::string_view request_words = "Propose a network, as JSON only.";

    std::size_t most_;
    std::deque<std::string> answers_;
};

}  // namespace llmnas
