// SPDX-License-Identifier: MIT
/// \file
/// A prompt as sections of items, shortened item by item until it keeps a number of tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/context_window.hpp>
#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// What an item of a prompt is, in the order in which items go when the prompt is too long.
enum class prompt_part : std::uint8_t {
    older_rejection,   ///< a rejection before the last one, the oldest first
    later_example,     ///< a network of the front behind the first, the last first
    coverage,          ///< how often the choices of an axis were tried, the last axis first
    older_table,       ///< costs by stage of a network before the last one
    statistics,        ///< averages, networks in training, failures
    later_suggestion,  ///< a suggestion behind the first
    example,           ///< the first network of the front
    table,             ///< costs by stage of the last network
    rejection,         ///< the last rejection
    suggestion,        ///< the first suggestion
    note,              ///< other remarks about the search
    advice,            ///< general advice beside the limits
    form_example,      ///< an answer as it should look
    detail,            ///< the objective, conditions of axes
    essential,         ///< task, limits and space: all or nothing
};

/// A prompt in the making.
class prompt_document {
public:
    /// Begins a section. Its heading stands where an item is left, with `(shown of total)` where a total is given.
    void section(std::string heading, std::size_t total = 0) { sections_.push_back({std::move(heading), total, {}}); }

    /// Adds an item, a text of whole lines, to the last section. Of items of the same part those that were added last
    /// go first, but of rejections the first added.
    void add(prompt_part part, std::string text) { sections_.back().items.push_back({part, std::move(text), true}); }

    /// Leaves items out, in the order of prompt_part, until the text has at most so many tokens by token_estimate().
    /// False where what is essential has more.
    bool shorten(std::size_t tokens) {
        std::vector<std::pair<item*, section_text*>> order;
        for (section_text& s : sections_)
            for (item& i : s.items) order.push_back({&i, &s});
        std::reverse(order.begin(), order.end());
        std::stable_sort(order.begin(), order.end(),
                         [](const auto& a, const auto& b) { return a.first->part < b.first->part; });
        const auto oldest_first = [](const auto& entry) { return entry.first->part == prompt_part::older_rejection; };
        std::reverse(order.begin(), std::find_if_not(order.begin(), order.end(), oldest_first));
        std::size_t length = detail::token_thirds(text());
        for (const auto& [dropped, from] : order) {
            if (length <= 3 * tokens) return true;
            if (dropped->part == prompt_part::essential) return false;
            const std::size_t before = detail::token_thirds(text_of(*from));
            dropped->shown = false;
            length -= before - detail::token_thirds(text_of(*from));
        }
        return length <= 3 * tokens;
    }

    [[nodiscard]] std::string text() const {
        std::string all;
        for (const section_text& s : sections_) all += text_of(s);
        return all;
    }

private:
    struct item {
        prompt_part part;
        std::string text;
        bool shown;
    };
    struct section_text {
        std::string heading;
        std::size_t total;
        std::vector<item> items;
    };

    [[nodiscard]] static std::string text_of(const section_text& s) {
        std::string body;
        std::size_t shown = 0;
        for (const item& i : s.items) {
            if (!i.shown) continue;
            ++shown;
            body += i.text;
        }
        if (shown == 0) return {};
        return fmt::format("\n{}{}\n", s.heading, s.total > 0 ? fmt::format(" ({} of {})", shown, s.total) : "") + body;
    }

    std::vector<section_text> sections_;
};

/// Estimated tokens of a prompt with what a chat template adds.
[[nodiscard]] inline std::size_t token_estimate(const std::vector<chat_message>& messages) noexcept {
    std::size_t sum = 0;
    for (const chat_message& m : messages) sum += detail::message_tokens + token_estimate(m.content);
    return sum;
}

/// The messages of a prompt of at most so many tokens: what the model is, the document, shortened, and the request at
/// its end. Where even what is essential is too long, a single sentence is left: a server that honours the schema can
/// still answer.
[[nodiscard]] inline std::vector<chat_message> messages_within(std::size_t tokens, std::string system,
                                                               prompt_document document, const std::string& request,
                                                               std::string last_resort) {
    const std::size_t fixed =
        2 * detail::message_tokens + token_estimate(system) + token_estimate(request) + 2;  // 2: rounding
    if (fixed < tokens && document.shorten(tokens - fixed)) {
        std::string text = document.text() + request;
        text.erase(0, text.find_first_not_of('\n'));
        return {{chat_role::system, std::move(system)}, {chat_role::user, std::move(text)}};
    }
    return {{chat_role::user, std::move(last_resort)}};
}

}  // namespace llmnas
