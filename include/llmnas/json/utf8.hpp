// SPDX-License-Identifier: MIT
/// \file
/// Text from outside (servers, models, files) made fit for JSON and for one line of a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmnas {

namespace detail {

/// Length of the valid UTF-8 sequence at the beginning of `s` (RFC 3629: no overlong forms, no surrogates), 0 if none.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view s) noexcept {
    const auto at = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto tail = [&](std::size_t i) { return i < s.size() && (at(i) & 0xC0U) == 0x80U; };
    if (s.empty()) return 0;
    const unsigned c = at(0);
    if (c < 0x80) return 1;
    if (c >= 0xC2 && c <= 0xDF) return tail(1) ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        if (!tail(1) || !tail(2)) return 0;
        if ((c == 0xE0 && at(1) < 0xA0) || (c == 0xED && at(1) > 0x9F)) return 0;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (!tail(1) || !tail(2) || !tail(3)) return 0;
        if ((c == 0xF0 && at(1) < 0x90) || (c == 0xF4 && at(1) > 0x8F)) return 0;
        return 4;
    }
    return 0;
}

}  // namespace detail

/// The text with each byte that is no part of valid UTF-8 replaced by U+FFFD. Linear time.
[[nodiscard]] inline std::string valid_utf8(std::string_view s) {
    std::string out;
    out.reserve(s.size());
    while (!s.empty()) {
        const std::size_t n = detail::utf8_length(s);
        out += n == 0 ? std::string_view{"\xEF\xBF\xBD"} : s.substr(0, n);
        s.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

/// The longest beginning of valid UTF-8 that has at most `limit` bytes and does not end inside a character.
[[nodiscard]] constexpr std::string_view utf8_prefix(std::string_view s, std::size_t limit) noexcept {
    if (s.size() <= limit) return s;
    while (limit > 0 && (static_cast<unsigned char>(s[limit]) & 0xC0U) == 0x80U) --limit;
    return s.substr(0, limit);
}

/// The text on one line for a message: valid UTF-8, runs of blanks and control characters as one blank, at most
/// `limit` bytes (plus "..." where something is left out).
[[nodiscard]] inline std::string one_line(std::string_view s, std::size_t limit = 300) {
    std::string out;
    while (!s.empty()) {
        const std::size_t n = detail::utf8_length(s);
        const auto c = static_cast<unsigned char>(s.front());
        std::string_view next = n == 0 ? std::string_view{"\xEF\xBF\xBD"} : s.substr(0, n);
        if (n == 1 && (c <= 0x20 || c == 0x7F)) next = " ";
        s.remove_prefix(n == 0 ? 1 : n);
        if (next == " " && (out.empty() || out.back() == ' ')) continue;
        if (out.size() + next.size() > limit) return out += "...";
        out += next;
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

}  // namespace llmnas
