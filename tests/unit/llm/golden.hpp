// SPDX-License-Identifier: MIT
/// \file
/// Complete prompts against tests/unit/llm/golden/*.txt; LLMNAS_UPDATE_GOLDEN=1 writes the files anew.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/language_model.hpp>

#include "support/catch.hpp"

namespace llmnas::test {

inline std::string text_of(const std::vector<chat_message>& messages) {
    std::string text;
    for (const chat_message& m : messages) text += fmt::format("=== {} ===\n{}\n", name_of(m.role), m.content);
    return text;
}

inline void check_golden(const std::string& name, const std::string& text) {
    const std::string path = "tests/unit/llm/golden/" + name + ".txt";
    if (const char* const update = std::getenv("LLMNAS_UPDATE_GOLDEN"); update != nullptr && *update == '1')
        std::ofstream(path, std::ios::binary) << text;
    std::ifstream in(path, std::ios::binary);
    const std::string wanted{std::istreambuf_iterator<char>(in), {}};
    INFO("LLMNAS_UPDATE_GOLDEN=1 writes " << path << " anew");
    CHECK(text == wanted);
}

}  // namespace llmnas::test
