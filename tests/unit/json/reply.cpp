// SPDX-License-Identifier: MIT
#include <llmnas/json/reply.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <llmnas/core/random.hpp>
#include "support/catch.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("reply: the proposal is found whatever stands around it", "[json]") {
    const std::string stages = R"([{"kernel_size":3,"note":"a ] and a } and a \" in a string"},{"kernel_size":5}])";
    for (const std::string& text : std::vector<std::string>{
             stages, "\xEF\xBB\xBF" + stages, "\n\t " + stages + "\r\n", "```json\n" + stages + "\n```",
             "Sure! Here is [my] answer {as asked}:\n```\n" + stages + "\n```\nIt has 2 stages [stride 1, 2].",
             "MACs stay in [70, 350] M. " + stages, "Options are [3, 5, 7] and {\"stride\": 2}; I take " + stages,
             "[] {} [[]] " + stages, "\"quoted\" 'text' \\ [ x " + stages, "{\"unfinished\": thought " + stages,
             stages + " or else [{\"kernel_size\":7}]", "<think>first [{\"kernel_size\":9}] no</think>" + stages,
             "bytes \xFF\xC3 that are no text " + stages}) {
        INFO(text);
        const auto found = extract_proposal(text);
        INFO((found ? std::string() : found.error().text()));
        REQUIRE(found);
        CHECK(*found == nlohmann::ordered_json::parse(stages));
    }
}

TEST_CASE("reply: objects with blocks", "[json]") {
    const std::string text =
        GENERATE(as<std::string>{}, R"({"blocks":[{"a":1}]})", R"(x {"why":"{", "blocks":[{"a":1}]} y)",
                 R"({"candidate_config":{"input_channels":3,"blocks":[{"a":1}]}})",
                 R"([{"blocks":[{"a":1}]},{"blocks":[{"a":2}]}])");
    const auto found = extract_proposal(text);
    REQUIRE(found);
    const auto& holder = found->contains("candidate_config") ? (*found)["candidate_config"] : *found;
    CHECK(holder["blocks"] == nlohmann::ordered_json::parse(R"([{"a":1}])"));
}

TEST_CASE("reply: member order is kept", "[json]") {
    CHECK(extract_proposal(R"([{"z":1,"a":2}])")->dump() == R"([{"z":1,"a":2}])");
}

TEST_CASE("reply: what is no proposal is rejected with a reason", "[json]") {
    const auto [text, why] = GENERATE(table<std::string, std::string>({
        {"", "no JSON"},
        {"Once upon a time there was a little girl.", "no JSON"},
        {"[1, 2, 3]", "no proposal"},
        {"{\"layers\": []}", "no proposal"},
        {"{\"blocks\": 5}", "no proposal"},
        {"[[{\"a\":1}]]", "no proposal"},
        {"[{\"a\":1}, 5]", "no proposal"},
        {"[{\"a\":1},{\"a\":", "cut"},
        {"[{\"a\":1},{\"a\":2}", "cut"},
        {"[{\"a\":1},{\"a\":2},", "cut"},
        {"{\"blocks\":[{\"a\":1}],\"why\":\"because", "cut"},
        {"[{\"a\":1,}]", "malformed JSON (got `}]` at byte 8"},
        {"[{\"a\":1} // comment\n]", "malformed"},
        {"[{'a':1}]", "no JSON"},
        {"[{\"a\":NaN}]", "malformed"},
        {"[{\"a\":1e999}]", "malformed"},
        {"[{\"a\":\"\xFF\"}]", "malformed"},
        {"[{\"a\":1,\"b\":2,\"a\":3}]", "twice in one object (got \"a\""},
    }));
    INFO(text);
    const auto found = extract_proposal(text);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::bad_input);
    CHECK_THAT(found.error().text(), ContainsSubstring(why));
    CHECK(found.error().text() == valid_utf8(found.error().text()));
    CHECK(found.error().text().find('\n') == std::string::npos);
}

TEST_CASE("reply: size, depth and members are bounded", "[json]") {
    const auto reason = [](const std::string& text) {
        const auto r = extract_proposal(text);
        return r ? std::string("accepted") : r.error().text();
    };
    CHECK_THAT(reason(std::string((1 << 20) + 1, ' ')), ContainsSubstring("too long"));
    CHECK_THAT(reason(std::string(100'000, '[')), ContainsSubstring("nested too deeply"));
    CHECK_THAT(reason("[{\"a\":" + std::string(62, '[') + std::string(62, ']') + "}]"), ContainsSubstring("accepted"));
    CHECK_THAT(reason("[{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}]"), ContainsSubstring("nested"));
    std::string wide = "[{";
    for (int i = 0; i < 300; ++i) wide += fmt::format("{}\"m{}\":0", i ? "," : "", i);
    CHECK_THAT(reason(wide + "}]"), ContainsSubstring("too large"));
}

TEST_CASE("reply: linear time on the worst texts", "[json]") {
    const std::string unit = GENERATE(as<std::string>{}, "[x", "{\"", "[\"", "[[1,", "[{\"a\":1},", "{\"a\":{", "\\\"[",
                                      "[]", "[1,2]{}", "]");
    std::string text;
    while (text.size() + unit.size() <= 200'000) text += unit;
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(extract_proposal(text));
    // Well below a second; quadratic time would be hours.
    CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 10);
}

TEST_CASE("reply: no text makes it fail otherwise than by a value", "[json]") {
    splitmix64 rng{1};
    const std::string seed = R"(x[{"kernel_size":3,"a":[1.5e3,true,null]},{"s":"\u00e9\"]"}] {"blocks":[{}]})";
    constexpr std::string_view alphabet = "[]{}\",:\\ 01e.-tfnu\xFF\x80\xC3";
    for (int i = 0; i < 20'000; ++i) {
        std::string text = seed;
        for (std::uint64_t n = rng.below(6); n > 0; --n) {
            const std::size_t at = rng.below(text.size());
            if (rng.below(3) == 0)
                text.resize(at + 1);
            else
                text[at] = alphabet[rng.below(alphabet.size())];
        }
        const auto found = extract_proposal(text);
        if (!found && found.error().text() != valid_utf8(found.error().text())) FAIL(text);
    }
    SUCCEED();
}

TEST_CASE("utf8: invalid bytes are replaced, valid text is kept", "[json]") {
    CHECK(valid_utf8("aé€😀") == "aé€😀");
    CHECK(valid_utf8("\xC0\xAF") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(valid_utf8("\xED\xA0\x80").size() == 9);
    CHECK(valid_utf8("\xF4\x90\x80\x80").size() == 12);
    CHECK(valid_utf8("\xE2\x82") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(one_line(" a \n\t b\x01 ") == "a b");
    CHECK(one_line("éé", 3) == "é...");
    CHECK(one_line("abc", 3) == "abc");
}

TEST_CASE("reply: an array under a name of the model's own", "[json]") {
    const auto j = extract_proposal(R"({"architecture": [{"kernel_size": 3}, {"kernel_size": 5}]})");
    REQUIRE(j);
    CHECK(j->is_array());
    CHECK(j->size() == 2);
    CHECK_FALSE(extract_proposal(R"({"architecture": [1, 2]})"));
    CHECK_FALSE(extract_proposal(R"({"a": [{"kernel_size": 3}], "b": 1})"));
}
