// SPDX-License-Identifier: MIT
/// \file
/// The flags of `llmnas explain`.
#include "run_explain.hpp"

using namespace llmnas;
using test::explain;

TEST_CASE("explain takes a network and a text", "[cli][explanation]") {
    CHECK(explain({"lmanet_elite", "--text", "examples/explanations/lmanet_elite.txt"}).value() == cli::success);
    CHECK(explain({"resnet8", "--json"}).value() == cli::success);
    CHECK(explain({"no such network"}).error().code == errc::bad_input);
    CHECK(explain({"resnet8", "--text", "no such file"}).error().code == errc::io);
    CHECK(explain({"resnet8", "--llm-url", "nonsense"}).error().code == errc::bad_input);
    CHECK_THROWS_AS(explain({"resnet8", "--text", "a", "--llm-url", "b"}), CLI::ParseError);
    CHECK_THROWS_AS(explain({"resnet8", "--accuracy", "73"}), CLI::ParseError);
}
