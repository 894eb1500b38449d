// SPDX-License-Identifier: MIT
/// \file
/// Strings as template arguments.
#pragma once

#include <cstddef>
#include <string_view>

namespace llmnas {

/// A string literal as a template argument.
template <std::size_t N>
struct fixed_string {
    char text[N]{};
    consteval fixed_string(const char (&literal)[N]) {  // NOLINT(google-explicit-constructor): axis<"name", ...>
        for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
    }
    [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

}  // namespace llmnas
