// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <llmnas/core/result.hpp>

int main() {
    const auto failure = llmnas::fail(llmnas::errc::io, "cannot open", "somewhere");
    fmt::print("{}\n", failure.value().text());
}
