// SPDX-License-Identifier: MIT
/// \file
/// The command line of a parsed command, to be given again.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace llmnas::cli {

/// A word as a POSIX shell reads it back.
[[nodiscard]] inline std::string quoted(const std::string& word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

/// Name, arguments and flags as they were given, on the command line or in a file, and then these flags.
[[nodiscard]] inline std::string command_line(const CLI::App& command, const std::vector<std::string>& flags) {
    std::string text = command.get_name();
    for (const CLI::Option* option : command.get_options()) {
        const std::string name = option->get_name();
        if (option->count() == 0 || std::find(flags.begin(), flags.end(), name) != flags.end()) continue;
        const bool positional = option->get_positional();
        if (!positional) text += ' ' + name;
        if (!positional && option->get_items_expected_max() == 0) continue;  // a flag
        for (const std::string& word : option->results()) text += ' ' + quoted(word);
    }
    for (const std::string& flag : flags) text += ' ' + flag;
    return text;
}

}  // namespace llmnas::cli
