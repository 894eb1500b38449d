// SPDX-License-Identifier: MIT
/// \file
/// What the terminal behind stdout can show: its width, block characters, colours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace llmnas::cli {

struct terminal_style {
    std::size_t width = 80;  ///< columns
    bool unicode = false;    ///< block characters instead of `#` and `|`
    bool color = false;      ///< escape sequences of ANSI terminals
    friend bool operator==(const terminal_style&, const terminal_style&) = default;
};

/// Style by the environment: `variable(name)` gives a variable's text, or a null pointer. The width is COLUMNS, else
/// `window` columns where that is not 0, else 80. What is not a terminal gets neither colours nor block characters; a
/// terminal gets them unless NO_COLOR (https://no-color.org) or a locale without UTF-8 speaks against it.
template <class Environment>
[[nodiscard]] terminal_style style_from(bool terminal, std::size_t window, Environment&& variable) {
    const auto text = [&](const char* name) {
        const char* value = variable(name);
        return std::string_view(value ? value : "");
    };
    terminal_style style;
    const long columns = std::strtol(std::string(text("COLUMNS")).c_str(), nullptr, 10);
    style.width = std::clamp<std::size_t>(columns > 0  ? static_cast<std::size_t>(columns)
                                          : window > 0 ? window
                                                       : 80,
                                          40, 200);
    style.color = terminal && text("NO_COLOR").empty() && text("TERM") != "dumb";
    std::string locale;
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (locale.empty()) locale = text(name);
    std::transform(locale.begin(), locale.end(), locale.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
    });
    style.unicode = terminal && (locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos);
    return style;
}

/// Style of an open file, such as STDERR_FILENO.
[[nodiscard]] inline terminal_style style_of(int file) {
    const bool terminal = ::isatty(file) == 1;
    winsize size{};
    if (!terminal || ::ioctl(file, TIOCGWINSZ, &size) != 0) size.ws_col = 0;
    return style_from(terminal, size.ws_col, [](const char* name) { return std::getenv(name); });
}
[[nodiscard]] inline terminal_style style_of_stdout() { return style_of(STDOUT_FILENO); }

enum class paint : std::uint8_t { none, bold, red, green };

/// The text between escape sequences where the style has colours.
[[nodiscard]] inline std::string painted(std::string_view text, paint p, const terminal_style& style) {
    if (!style.color || p == paint::none || text.empty()) return std::string(text);
    const char* const codes[] = {"", "1", "31", "32"};
    return "\033[" + std::string(codes[static_cast<std::size_t>(p)]) + 'm' + std::string(text) + "\033[0m";
}

}  // namespace llmnas::cli
