// SPDX-License-Identifier: MIT
/// \file
/// Text of explanations as sentences. Linear time in the length of the text, any bytes; Markdown is looked through.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace llmnas::claim_grammar {

/// A sentence, or an item of a list.
struct sentence {
    std::string_view text;
    bool list_item = false;
    bool heading = false;
};

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The sentences of a text. A new line begins one where it begins a list item or a heading, or behind an empty line.
[[nodiscard]] inline std::vector<sentence> sentences_of(std::string_view text) {
    std::vector<sentence> found;
    sentence now;
    std::size_t begin = 0;
    const auto finish = [&](std::size_t end) {
        std::string_view s = text.substr(begin, end - begin);
        while (!s.empty() && (static_cast<unsigned char>(s.front()) <= ' ')) s.remove_prefix(1);
        while (!s.empty() && (static_cast<unsigned char>(s.back()) <= ' ')) s.remove_suffix(1);
        if (!s.empty()) {
            now.text = s;
            found.push_back(now);
        }
        begin = end;
    };
    const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (i == 0 || text[i - 1] == '\n') {
            std::size_t k = i;
            while (at(k) == ' ' || at(k) == '\t') ++k;
            std::size_t digits = k;
            while (is_digit(at(digits))) ++digits;
            const bool numbered =
                digits > k && digits - k < 4 && (at(digits) == '.' || at(digits) == ')') && at(digits + 1) == ' ';
            const bool bullet = (at(k) == '-' || at(k) == '*' || at(k) == '+') && at(k + 1) == ' ';
            const bool heading = at(k) == '#';
            const bool bold = at(k) == '*' && at(k + 1) == '*';
            if (numbered || bullet || heading || bold || at(k) == '\n' || at(k) == '\r' || now.heading) {
                finish(i);
                now = {{}, numbered || bullet, heading};
                if (numbered) begin = digits + 1;
                if (bullet) begin = k + 1;
                if (begin > i) i = begin - 1;
            }
            if (begin > i) continue;
        }
        if (c == '!' || c == '?') {
            finish(i + 1);
        } else if (c == '.') {
            const bool inside = i > 0 && is_digit(text[i - 1]) && is_digit(at(i + 1));
            const bool abbreviation = i > 0 && is_letter(text[i - 1]) && (i < 2 || !is_letter(text[i - 2])) &&
                                      (is_letter(at(i + 1)) || (i > 1 && text[i - 2] == '.'));
            if (inside || abbreviation) continue;
            finish(i + 1);
        }
    }
    finish(text.size());
    return found;
}

}  // namespace llmnas::claim_grammar
