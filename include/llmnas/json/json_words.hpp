// SPDX-License-Identifier: MIT
/// \file
/// Words of JSON text: literals, numbers and escapes.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

namespace llmnas::detail {

/// A literal of JSON or Python.
[[nodiscard]] inline bool is_literal(std::string_view s) {
    return s == "true" || s == "false" || s == "null" || s == "True" || s == "False" || s == "None";
}

/// A number by the rules of JSON, or null.
[[nodiscard]] inline nlohmann::ordered_json json_number(std::string_view s) {
    if (s.size() > 40) return nullptr;  // no value of a field, and work
    std::size_t i = s.starts_with('-') ? 1 : 0;
    const auto digits = [&] {
        const std::size_t begin = i;
        while (i < s.size() && s[i] >= '0' && s[i] <= '9') ++i;
        return i > begin;
    };
    const std::size_t first = i;
    if (!digits() || (s[first] == '0' && i > first + 1)) return nullptr;
    const bool integer = i == s.size();
    if (i < s.size() && s[i] == '.' && (++i, !digits())) return nullptr;
    if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
        if (++i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
        if (!digits()) return nullptr;
    }
    if (i != s.size()) return nullptr;
    const auto parsed = [s](auto number) -> nlohmann::ordered_json {
        if (std::from_chars(s.data(), s.data() + s.size(), number).ec == std::errc{}) return number;
        return nullptr;
    };
    nlohmann::ordered_json j;
    if (integer) j = s[0] == '-' ? parsed(std::int64_t{}) : parsed(std::uint64_t{});
    return j.is_null() ? parsed(double{}) : j;
}

/// Appends one code point.
inline void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0U | (code >> 6U));
        tail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0U | (code >> 12U));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0U | (code >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
}

/// Four hexadecimal digits at the beginning of s, or more than 16 bits where there are none.
[[nodiscard]] inline std::uint32_t hex4(std::string_view s) {
    std::uint32_t code = 0;
    s = s.substr(0, 4);
    const auto r = std::from_chars(s.data(), s.data() + s.size(), code, 16);
    return s.size() == 4 && r.ptr == s.data() + 4 ? code : ~std::uint32_t{0};
}

/// Appends what the escape at the beginning of s stands for (a backslash and at least one character). Returns the bytes
/// read; `known` tells whether JSON has this escape, else the character stands for itself.
inline std::size_t unescape(std::string_view s, std::string& out, bool& known) {
    constexpr std::string_view from = "\"\\/bfnrtu";
    constexpr std::string_view to = "\"\\/\b\f\n\r\tu";
    const char c = s[1];
    const std::size_t i = from.find(c);
    std::uint32_t code = c == 'u' ? hex4(s.substr(2)) : ~std::uint32_t{0};
    known = i != std::string_view::npos && (c != 'u' || code <= 0xFFFF);
    if (code > 0xFFFF) {
        out += i == std::string_view::npos ? c : to[i];
        return 2;
    }
    std::size_t used = 6;
    if (code >= 0xD800 && code < 0xDC00 && s.substr(used, 2) == "\\u") {
        const std::uint32_t low = hex4(s.substr(used + 2));
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
            used = 12;
        }
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return used;
}

}  // namespace llmnas::detail
