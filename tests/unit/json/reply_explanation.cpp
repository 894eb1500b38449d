// SPDX-License-Identifier: MIT
// The explanation beside a network in a reply: where it may stand, what it is called, how long it may be.
#include <llmnas/json/reply.hpp>

#include <string>
#include <string_view>

#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"

using namespace llmnas;
using nlohmann::ordered_json;

namespace {

std::string stages() { return proposal_json<table1_se>(decode(space_point<table1_se>{})).dump(); }

/// The explanation of the first network of a reply; a reason in brackets where it holds none.
std::string said(std::string_view text, const reply_limits& limits = {}) {
    const auto r = parse_reply<table1_se>(text, {3, 160, 160}, 100, limits);
    return r ? r->explanation : "[" + r.error().text() + "]";
}

}  // namespace

TEST_CASE("reply: the explanation beside a network", "[json]") {
    const std::string blocks = R"("blocks":)" + stages();
    CHECK(said("{" + blocks + R"(,"explanation":"Stage 1 has stride 2."})") == "Stage 1 has stride 2.");
    CHECK(said(R"({"explanation":"first",)" + blocks + "}") == "first");
    for (const char* const name : {"rationale", "reasoning", "justification", "Reason", "why", "Explanation"})
        CHECK(said("{" + blocks + ",\"" + name + R"(":"because"})") == "because");
    CHECK(said("{" + blocks + R"(,"reasoning":"thoughts","explanation":"answer","why":"more"})") == "answer");
    CHECK(said("{" + blocks + R"(,"rationale":"one","why":"two"})") == "one");
    CHECK(said(R"({"architecture":)" + stages() + R"(,"explanation":"wrapped"})") == "wrapped");
    CHECK(said(R"({"candidate_config":{)" + blocks + R"(},"explanation":"outside"})") == "outside");
    CHECK(said(R"({"candidate_config":)" + stages() + R"(,"explanation":"outside"})") == "outside");
    CHECK(said(R"({"network":{)" + blocks + R"(,"why":"inside"},"explanation":"outside"})") == "inside");
    ordered_json numbered = ordered_json::object();
    const auto list = ordered_json::parse(stages());
    for (std::size_t s = 0; s < list.size(); ++s) numbered["stage_" + std::to_string(s + 1)] = list[s];
    numbered["explanation"] = "numbered";
    CHECK(said(numbered.dump()) == "numbered");
    CHECK(said("Here:\n```json\n{" + blocks + ", 'explanation': 'mended',}\n```\nHope it helps!") == "mended");
}

TEST_CASE("reply: no explanation is no failure, and a broken one costs no network", "[json]") {
    const std::string blocks = R"("blocks":)" + stages();
    CHECK(said(stages()).empty());
    CHECK(said("{" + blocks + "}").empty());
    for (const char* const value : {"null", "3", "[]", R"({"why":"deep"})", R"("")", R"(" \n")"})
        CHECK(said("{" + blocks + R"(,"explanation":)" + value + "}").empty());
    CHECK(said("{" + blocks + R"(,"explanation":"","rationale":"said"})") == "said");
    const std::string whole = "{" + blocks + R"(,"explanation":"Stage 1 has stride 2."})";
    for (std::size_t end = blocks.size() + 1; end < whole.size(); ++end) {
        const std::string text = said(whole.substr(0, end));
        INFO(whole.substr(blocks.size(), end - blocks.size()));
        CHECK((text.empty() || text == "Stage 1 has stride 2."));
    }
}

TEST_CASE("reply: an explanation is bounded and valid UTF-8", "[json]") {
    const auto with = [](const std::string& quoted) {
        return R"({"blocks":)" + stages() + R"(,"explanation":")" + quoted + "\"}";
    };
    CHECK(said(with(std::string(100'000, 'x'))) == std::string(reply_limits{}.explanation, 'x'));
    reply_limits limits;
    limits.explanation = 5;
    CHECK(said(with("ab\xC3\x97\xC3\x97"), limits) == "ab\xC3\x97");
    CHECK(said(with("abc\xC3\x97"
                    "d"),
               limits) == "abc\xC3\x97");
    CHECK(said(with("a\xFF"
                    "b")) ==
          "a\xEF\xBF\xBD"
          "b");
    CHECK(said(with("a\\ud800b")) ==
          "a\xEF\xBF\xBD"
          "b");
    limits.explanation = 0;
    CHECK(said(with("abc"), limits).empty());
    CHECK(utf8_prefix("\xF0\x9F\x98\x80", 3).empty());
    CHECK(utf8_prefix("\xF0\x9F\x98\x80", 4).size() == 4);
}

TEST_CASE("reply: each network of a batch has its own explanation", "[json]") {
    splitmix64 rng{14};
    const auto a = decode(sample<table1_se>(rng)), b = decode(sample<table1_se>(rng)),
               c = decode(sample<table1_se>(rng));
    const auto batch = ordered_json::array(
        {explained_json<table1_se>(a, "one"), proposal_json<table1_se>(b), explained_json<table1_se>(c, "three")});
    for (const std::string& text : {batch.dump(), ordered_json({{"blocks", batch}, {"explanation", "all"}}).dump(),
                                    ordered_json({{"networks", batch}}).dump(2)}) {
        const auto read = parse_batch<table1_se>(text, {3, 160, 160}, 100);
        REQUIRE(read.networks.size() == 3);
        CHECK(read.rejected.empty());
        CHECK(read.networks[0].network == a);
        CHECK(read.networks[0].explanation == "one");
        CHECK(read.networks[1].explanation.empty());
        CHECK(read.networks[2].explanation == "three");
    }
}
