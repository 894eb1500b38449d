// SPDX-License-Identifier: MIT
/// \file
/// The flags of `llmnas explain`.
#include "support/catch.hpp"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <llmnas/cli/explain_command.hpp>

using namespace llmnas;

namespace {

result<cli::exit_code> explain(std::vector<std::string> args) {
    CLI::App app;
    cli::explain_command command;
    command.add_to(app);
    args.insert(args.begin(), "explain");
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app.parse(reversed);
    REQUIRE(command.chosen());
    return command.run();
}

}  // namespace

TEST_CASE("explain takes a network and a text", "[cli][explanation]") {
    CHECK(explain({"lmanet_elite", "--text", "examples/explanations/lmanet_elite.txt"}).value() == cli::success);
    CHECK(explain({"resnet8", "--json"}).value() == cli::success);
    CHECK(explain({"no such network"}).error().code == errc::bad_input);
    CHECK(explain({"resnet8", "--text", "no such file"}).error().code == errc::io);
    CHECK(explain({"resnet8", "--llm-url", "nonsense"}).error().code == errc::bad_input);
    CHECK_THROWS_AS(explain({"resnet8", "--text", "a", "--llm-url", "b"}), CLI::ParseError);
    CHECK_THROWS_AS(explain({"resnet8", "--accuracy", "73"}), CLI::ParseError);
}
