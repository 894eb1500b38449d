// SPDX-License-Identifier: MIT
/// \file
/// `llmnas explain` with arguments, in this process.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <llmnas/cli/explain_command.hpp>

#include "support/catch.hpp"

namespace llmnas::test {

inline result<cli::exit_code> explain(std::vector<std::string> args) {
    CLI::App app;
    cli::explain_command command;
    command.add_to(app);
    args.insert(args.begin(), "explain");
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app.parse(reversed);
    REQUIRE(command.chosen());
    return command.run();
}

}  // namespace llmnas::test
