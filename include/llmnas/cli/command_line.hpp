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

/// Name, arguments and flags as they were given, on the command line or in a file, without those named.
[[nodiscard]] inline std::vector<std::string> command_words(const CLI::App& command,
                                                            const std::vector<std::string>& without) {
    std::vector<std::string> words{command.get_name()};
    for (const CLI::Option* option : command.get_options()) {
        const std::string name = option->get_name();
        if (option->count() == 0 || std::find(without.begin(), without.end(), name) != without.end()) continue;
        const auto& values = option->results();
        const bool positional = option->get_positional();
        if (!positional && option->get_items_expected_max() == 0) {  // a flag
            words.push_back(values.front() == "false" ? name + "=false" : name);
            continue;
        }
        if (!positional) words.push_back(name);
        words.insert(words.end(), values.begin(), values.end());
    }
    return words;
}

/// The same as a line for a shell, and then these flags.
[[nodiscard]] inline std::string command_line(const CLI::App& command, const std::vector<std::string>& flags) {
    std::string text;
    for (const std::string& word : command_words(command, flags)) text += (text.empty() ? "" : " ") + quoted(word);
    for (const std::string& flag : flags) text += ' ' + flag;
    return text;
}

}  // namespace llmnas::cli
