// SPDX-License-Identifier: MIT
// Replies of any text: linear work, bounded memory, no failure but a value.
#include <malloc.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/core/random.hpp>
#include <llmnas/json/reply.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;

namespace {

using reader = detail::reply_reader<table1_se>;

std::string repeated(std::string_view unit, std::size_t bytes) {
    std::string text;
    text.reserve(bytes);
    while (text.size() + unit.size() <= bytes) text += unit;
    return text;
}

double seconds_to_read(const std::string& text) {
    const auto begin = std::chrono::steady_clock::now();
    static_cast<void>(parse_reply<table1_se>(text, {3, 160, 160}, 100));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Texts of one unit, again and again, that ask most of some part of the reader.
const std::vector<std::string> units{"[",
                                     "{",
                                     "{\"a\":",
                                     "{\"a\":[",
                                     "\"",
                                     "'",
                                     "[\"",
                                     "['",
                                     "{\"",
                                     "{'",
                                     "[\"'",
                                     "['[\"",
                                     "\\",
                                     "[\\\"",
                                     "[\"\\",
                                     "[x",
                                     "[1,",
                                     "[1 ",
                                     "[[1,",
                                     "[]",
                                     "{}",
                                     "[],",
                                     "[[],",
                                     "[[]],",
                                     "[1,2]{}",
                                     "]",
                                     "[{\"a\":1},",
                                     "{\"a\":{",
                                     "\\\"[",
                                     "[/*",
                                     "[/* */",
                                     "[//",
                                     "[#",
                                     "[//\n",
                                     "[x /",
                                     "{a:",
                                     "{a:1,",
                                     "{a:1 ",
                                     "{a:'",
                                     "[{k:3}",
                                     "[{k:3},",
                                     "[{stride:1},{",
                                     "{\"blocks\":[",
                                     "{blocks:[{k:",
                                     "candidate_config:{",
                                     "```",
                                     "[```",
                                     "```[",
                                     "<think>",
                                     "</think>",
                                     "<think>[",
                                     "(",
                                     "[(",
                                     "[()",
                                     "[(]",
                                     "[{]",
                                     "{[}",
                                     "[1e9",
                                     "[9",
                                     "9",
                                     "[-",
                                     "\xE2\x80\x9C",
                                     "[\xE2\x80\x9C",
                                     "[\"\xE2\x80\x9D",
                                     "\xFF",
                                     "[\"\xFF",
                                     "[\"\\u",
                                     "[\"\\ud800",
                                     "[null,",
                                     "[3x3,",
                                     "[\"a\",",
                                     "{\"a\":\"b\"},",
                                     "[{\"a\":[{\"a\":1}]},",
                                     ",",
                                     "[,",
                                     "[{},",
                                     "[{\"stride\":1}],",
                                     "{\"1\":{\"k\":3}},",
                                     ":",
                                     "{:",
                                     "{\"stage_1\":{\"stride\":1},",
                                     "[{\"stride\":[[",
                                     "\n",
                                     " ",
                                     "[ ",
                                     "[\"\n",
                                     "[{\"se_ratio\":\"1/4\"}],"};

}  // namespace

TEST_CASE("reply: work grows with the text, not faster", "[json]") {
    const reply_limits limits;
    for (const std::string& unit : units)
        for (const std::size_t bytes : {1'000U, 30'000U}) {
            const std::string text = repeated(unit, bytes);
            INFO(unit << " " << bytes);
            REQUIRE(reader(text, {3, 160, 160}, 100, limits).work() <= 2 * text.size() + limits.rescan);
        }
    // With no reading again, every byte is looked at once.
    reply_limits once;
    once.rescan = 0;
    for (const std::string& unit : units) {
        const std::string text = repeated(unit, 100'000);
        INFO(unit);
        REQUIRE(reader(text, {3, 160, 160}, 100, once).work() <= text.size() + 64);
    }
}

TEST_CASE("reply: the longest texts are read in a moment", "[json]") {
    for (const std::string unit : {"[", "{\"a\":", "\"", "[\"", "[],", "[/*", "{a:'", "[{stride:1},{"}) {
        const double seconds = seconds_to_read(repeated(unit, reply_limits{}.bytes));
        INFO(unit << " " << seconds << " s");
        CHECK(seconds < 30);  // a tenth of a second; quadratic time would be hours
    }
}

TEST_CASE("reply: the longest text of any kind is read in a moment", "[json][.long]") {
    for (const std::string& unit : units) {
        const std::string text = repeated(unit, reply_limits{}.bytes);
        const double seconds = seconds_to_read(text);
        INFO(unit << " " << seconds << " s");
        CHECK(seconds < 30);
        CHECK(reader(text, {3, 160, 160}, 100, {}).work() <= 2 * text.size() + reply_limits{}.rescan);
    }
}

TEST_CASE("reply: memory is bounded by the limits", "[json]") {
    for (const std::string& unit : units) {
        const std::string text = repeated(unit, reply_limits{}.bytes);
        const auto used = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
        const std::size_t before = used();
        detail::relaxed_json relaxed(text, {});
        const std::size_t at = text.find_first_of("[{");
        if (at == std::string::npos) continue;
        const auto document = relaxed.read(at);
        const std::size_t after = used();
        INFO(unit << " " << after - before);
        // A value takes 16 bytes in its array and up to 300 of its own.
        REQUIRE((after < before || after - before <= 2 * text.size() + 320 * reply_limits{}.values));
    }
}

TEST_CASE("reply: size, depth, members and values are bounded", "[json]") {
    const auto reason = [](const std::string& text) {
        const auto r = parse_reply<table1_se>(text, {3, 160, 160}, 100);
        return r ? std::string("accepted") : r.error().text();
    };
    const std::string net = proposal_json<table1_se>(decode(space_point<table1_se>{})).dump();
    CHECK_THAT(reason(std::string((1 << 20) + 1, ' ')), ContainsSubstring("too long (got 1048577 bytes"));
    CHECK_THAT(reason(std::string(100'000, '[')), ContainsSubstring("nested too deeply (got more than 64 levels"));
    CHECK(reason("{\"a\":" + std::string(63, '[') + std::string(63, ']') + ",\"blocks\":" + net + "}") == "accepted");
    CHECK(reason(std::string(62, '[') + net + std::string(62, ']')) == "accepted");
    // Too deep as a whole, but the architecture inside is found.
    CHECK(reason(std::string(64, '[') + net + std::string(64, ']')) == "accepted");
    std::string wide = "[{";
    for (int i = 0; i < 300; ++i) wide += fmt::format("{}\"m{}\":0", i ? "," : "", i);
    CHECK_THAT(reason(wide + "}]"), ContainsSubstring("too large"));
    CHECK_THAT(reason("[" + repeated("0,", 200'000) + "0]"), ContainsSubstring("too large"));
    // Lists of stages are looked at up to a limit.
    const auto batch = parse_batch<table1_se>(repeated(net + "\n", 200'000), {3, 160, 160}, 100);
    CHECK(batch.networks.size() == 64);
}

TEST_CASE("reply: no text makes it fail otherwise than by a value", "[json]") {
    splitmix64 rng{1};
    const auto net = decode(sample<table1_se>(rng));
    const std::vector<std::string> seeds{
        proposal_json<table1_se>(net).dump(), "```json\n" + to_json<table1_se>(net).dump(1) + "\n```",
        R"(x[{"kernel_size":3,"a":[1.5e3,true,null]},{"s":"\u00e9\"]"}] {"blocks":[{}]})",
        "{stage_1: {k: '3x3', type: MBConv, /* c */ se: True, act: \xE2\x80\x9CReLU6\xE2\x80\x9D,}, // x\n"};
    constexpr std::string_view alphabet = "[]{}()\"'`,:;\\/#* 01e.-+xtfnuTFN\n\t\xFF\x80\xC3\xE2";
    for (int i = 0; i < rounds(20'000); ++i) {
        std::string text = seeds[rng.below(seeds.size())];
        for (std::uint64_t n = rng.below(8); n > 0; --n) {
            const std::size_t at = rng.below(text.size());
            switch (rng.below(4)) {
                case 0:
                    text.resize(at + 1);
                    break;
                case 1:
                    text.insert(at, text.substr(rng.below(text.size()), rng.below(40)));
                    break;
                default:
                    text[at] = alphabet[rng.below(alphabet.size())];
            }
        }
        const auto found = parse_reply<table1_se>(text, {3, 160, 160}, 100);
        if (!found) {
            const std::string why = found.error().text();
            if (why != valid_utf8(why) || why.find('\n') != std::string::npos || why.size() > 600) FAIL(text);
            continue;
        }
        // What was read is a network that the library reads again without repair.
        const auto again = parse_reply<table1_se>(to_json<table1_se>(found->network).dump(), {3, 160, 160}, 100);
        if (!again || !(again->network == found->network) || again->repairs.total() != 0) FAIL(text);
    }
    SUCCEED();
}
