// SPDX-License-Identifier: MIT
// Architectures from text: what the SAX reader accepts, what its errors say, and that a document says the same.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::ordered_json;

namespace {

std::string message(const std::string& text) {
    const auto net = network_from_text<table1_se>(text);
    return net ? "accepted" : net.error().text();
}

json elite() { return to_json<table1_se>(zoo::lmanet_elite); }

/// Whether a member stands twice in one object, which a document cannot tell. The text is JSON.
bool has_duplicates(const std::string& text) {
    bool twice = false;
    std::vector<std::set<std::string>> members;
    const auto look = [&](int, json::parse_event_t event, json& value) {
        if (event == json::parse_event_t::object_start) members.emplace_back();
        if (event == json::parse_event_t::object_end) members.pop_back();
        if (event == json::parse_event_t::key) twice = !members.back().insert(value.get<std::string>()).second || twice;
        return true;
    };
    return !json::parse(text, look, false).is_discarded() && twice;
}

/// A random network in one of the forms that are read.
json random_document(splitmix64& rng) {
    const json full = to_json<table1_se>(decode(sample<table1_se>(rng)));
    const json& candidate = full["candidate_config"];
    switch (rng.below(4)) {
        case 0:
            return full;
        case 1:
            return candidate;
        case 2:
            return candidate["blocks"];
        default:
            return {{"id", 7}, {"candidate_config", candidate["blocks"]}, {"blocks", {{"a", 1}}}};
    }
}

/// Where the stages stand, as long as the document has its form.
json* stages_of(json& document) {
    json* j = document.is_object() && document.contains("candidate_config") ? &document["candidate_config"] : &document;
    if (j->is_object() && j->contains("blocks")) j = &(*j)["blocks"];
    return j->is_array() && !j->empty() ? j : nullptr;
}

json random_value(splitmix64& rng) {
    const std::vector<json> values{
        nullptr,    true,           -1,       0,   3,    5'000'000'000, 18446744073709551615U,
        0.25,       -1.5e30,        "mbconv", "",  "é😀", json::array(), json::array({1, {{"a", 2}}}),
        {{"a", 1}}, json::object(), "relu6",  1025};
    return values[rng.below(values.size())];
}

/// One change of a document: a member taken away, renamed, added or given another value; a stage more or less.
void change(json& document, splitmix64& rng) {
    json* const found = stages_of(document);
    if (!found) return;
    json& stages = *found;
    if (rng.below(8) == 0) {
        if (rng.below(2) == 0)
            stages.push_back(random_value(rng));
        else
            stages[rng.below(stages.size())] = random_value(rng);
        return;
    }
    if (rng.below(8) == 0 && document.is_object()) {
        const char* names[] = {"candidate_config", "blocks", "input_channels", "pool_type", "other"};
        document[names[rng.below(5)]] = random_value(rng);
        return;
    }
    json& stage = stages[rng.below(stages.size())];
    if (!stage.is_object() || stage.empty()) return;
    auto at = stage.begin();
    for (auto n = rng.below(stage.size()); n > 0; --n) ++at;
    const std::string name = at.key();
    switch (rng.below(4)) {
        case 0:
            stage.erase(name);
            break;
        case 1:
            stage[name] = random_value(rng);
            break;
        case 2:
            stage[name + "_"] = stage[name];
            break;
        default: {
            json reordered{{name, stage[name]}};
            for (const auto& member : stage.items()) reordered[member.key()] = member.value();
            stage = reordered;
        }
    }
}

/// Bytes flipped, taken away, doubled, or the end cut off.
void damage(std::string& text, splitmix64& rng) {
    constexpr std::string_view alphabet = "[]{}\",:\\ 01e.-tfnu\xFF\x80\xC3\n";
    const std::size_t at = rng.below(text.size());
    switch (rng.below(5)) {
        case 0:
            text.resize(at);
            break;
        case 1:
            text.erase(at, 1 + rng.below(20));
            break;
        case 2:
            text.insert(at, text.substr(at, 1 + rng.below(40)));
            break;
        case 3:
            text[at] = static_cast<char>(rng.below(256));
            break;
        default:
            text[at] = alphabet[rng.below(alphabet.size())];
    }
}

/// Whether text and document agree, on the network or on the whole error; text alone knows malformed JSON and members
/// that stand twice.
void check_agreement(const std::string& text) {
    INFO(text);
    const auto read = network_from_text<table1_se>(text);
    if (!read) {
        INFO(read.error().text());
        if (read.error().text() != valid_utf8(read.error().text())) FAIL("an error that is no text");
    }
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) {
        if (read || !read.error().what.starts_with("malformed JSON at byte")) FAIL("malformed text");
        return;
    }
    const auto expected = network_from_json<table1_se>(document);
    if (read ? expected && *read == *expected : !expected && read.error().text() == expected.error().text()) return;
    INFO((read ? "accepted" : read.error().text()) << " / " << (expected ? "accepted" : expected.error().text()));
    if (read || !has_duplicates(text)) FAIL("text and document differ");
}

}  // namespace

TEST_CASE("architecture text: text and document agree over 30,000 changed documents", "[json]") {
    splitmix64 rng{11};
    for (int i = 0; i < rounds(30'000); ++i) {
        json document = random_document(rng);
        for (auto n = rng.below(3); n > 0; --n) change(document, rng);
        std::string text = document.dump(i % 3 == 0 ? 4 : -1);
        if (i % 2 == 0)
            for (auto n = 1 + rng.below(3); n > 0 && !text.empty(); --n) damage(text, rng);
        check_agreement(text);
    }
    SUCCEED();
}

TEST_CASE("architecture text: an error names the field that was changed", "[json]") {
    splitmix64 rng{12};
    int refused = 0;
    for (int i = 0; i < rounds(5'000); ++i) {
        const auto net = decode(sample<table1_se>(rng));
        json stages = to_json<table1_se>(net)["candidate_config"]["blocks"];
        const std::size_t s = rng.below(stages.size());
        auto at = stages[s].begin();
        for (auto n = rng.below(stages[s].size()); n > 0; --n) ++at;
        const std::string name = at.key();
        const std::string where = "stage " + std::to_string(s + 1) + ": ";
        switch (i % 4) {
            case 0: {  // wrong for every type of field
                stages[s][name] = json::array({1});
                if (message(stages.dump()).find(where + name + ": not a legal value (got an array, wanted ") != 0)
                    FAIL(stages.dump());
                break;
            }
            case 1: {
                const bool matters =
                    !(name == "expansion_factor" && net.stages[s].conv_type == block_type::depthwise) &&
                    !(name == "se_ratio" && !net.stages[s].use_se) &&
                    !(name == "skip_op" && net.stages[s].num_layers == 1 && net.stages[s].stride == 2);
                stages[s].erase(name);
                if (message(stages.dump()) != (matters ? where + name + ": missing field" : "accepted"))
                    FAIL(stages.dump());
                refused += matters ? 1 : 0;
                break;
            }
            case 2: {
                stages[s][name + "s"] = "?";
                if (message(stages.dump()) != where + name + "s: unknown field (got \"?\")") FAIL(stages.dump());
                break;
            }
            default: {
                std::string text = stages[s].dump();
                text.insert(text.size() - 1, ",\"" + name + "\":" + stages[s][name].dump());
                std::string whole = "[";
                for (std::size_t k = 0; k < stages.size(); ++k)
                    whole += (k ? "," : "") + (k == s ? text : stages[k].dump());
                if (message(whole + "]") != where + name + ": a member stands twice in one object") FAIL(whole);
            }
        }
    }
    CHECK(refused > rounds(500));
}

TEST_CASE("architecture text: what is no JSON says where", "[json]") {
    const std::string text = elite().dump();
    CHECK(message("") == "malformed JSON at byte 1 (got the end of the text, wanted JSON)");
    CHECK(message(text + " x") ==
          "malformed JSON at byte " + std::to_string(text.size() + 2) + " (got x, wanted JSON)");
    CHECK_THAT(message(text.substr(0, text.size() - 1)), ContainsSubstring("got the end of the text"));
    CHECK_THAT(message("[\"\xC3\"]"), ContainsSubstring("malformed JSON at byte 4"));
    CHECK_THAT(message("[1e999]"), ContainsSubstring("malformed JSON at byte 6"));
    CHECK_THAT(message("[1,]"), ContainsSubstring("malformed JSON at byte 4 (got ]"));
    CHECK(message(std::string(200'000, '[')) == "JSON nested too deeply (wanted at most 64 levels)");
    CHECK(message(R"({"x":)" + std::string(64, '[') + std::string(64, ']') + "}") ==
          "JSON nested too deeply (wanted at most 64 levels)");
    CHECK(message("\xEF\xBB\xBF" + text) == "accepted");  // a byte order mark, as editors write it
}

TEST_CASE("architecture text: members around the stages", "[json]") {
    const std::string full = elite().dump();
    const std::string candidate = elite()["candidate_config"].dump();
    const std::string stages = elite()["candidate_config"]["blocks"].dump();
    const std::string deep = std::string(50, '[') + std::string(50, ']');
    CHECK(message(candidate) == "accepted");
    CHECK(message(stages) == "accepted");
    CHECK(message("{\"candidate_config\":" + stages + "}") == "accepted");
    CHECK(message("{\"blocks\":" + stages + ",\"pool_type\":\"average\",\"why\":{\"blocks\":" + deep + "}}") ==
          "accepted");
    // candidate_config counts alone, wherever it stands; beside it nothing is looked at.
    CHECK(message("{\"blocks\":[{\"kernel_size\":\"x\"}],\"pool_type\":0,\"candidate_config\":" + candidate +
                  ",\"input_channels\":9}") == "accepted");
    CHECK(
        message("{\"candidate_config\":{\"candidate_config\":" + candidate + "},\"blocks\":" + stages + "}") ==
        "architecture: no stages in the JSON (got an object without them, wanted an array of stages or an object with "
        "\"blocks\")");
    CHECK(message("{\"blocks\":" + stages + ",\"blocks\":" + stages + "}") ==
          "architecture: a member stands twice in one object (got \"blocks\", wanted each member once)");
    CHECK_THAT(message("{\"candidate_config\":" + candidate + ",\"candidate_config\":" + candidate + "}"),
               ContainsSubstring("twice in one object (got \"candidate_config\""));
    CHECK_THAT(message("{\"input_channels\":3.0,\"blocks\":" + stages + "}"), ContainsSubstring("accepted"));
    CHECK_THAT(message("{\"input_channels\":[3],\"blocks\":" + stages + "}"),
               ContainsSubstring("input_channels differ") && ContainsSubstring("got an array, wanted 3"));
    CHECK_THAT(message("{\"pool_type\":\"max\",\"blocks\":[]}"), ContainsSubstring("unknown pool_type (got \"max\""));
    CHECK_THAT(message("{\"blocks\":{}}"), ContainsSubstring("not an architecture (got an object"));
    CHECK_THAT(message("[1,{}]"), ContainsSubstring("wrong number of stages (got 2, wanted 5)"));
    CHECK_THAT(message("[{},[],{},{},{}]"), ContainsSubstring("stage 1: output_channels: missing field"));
    CHECK_THAT(message("[7,[],{},{},{}]"), ContainsSubstring("stage 1: not a stage (got 7, wanted an object)"));
    CHECK_THAT(message("[" + std::string(100'000, ' ') + "]"), ContainsSubstring("got 0"));
}

TEST_CASE("architecture text: names and values from outside stay short and on one line", "[json]") {
    json stages = elite()["candidate_config"]["blocks"];
    stages[0]["a\n" + std::string(10'000, 'x')] = std::string(10'000, 'y');
    const std::string unknown = message(stages.dump());
    CHECK(unknown.size() < 150);
    CHECK(unknown.find('\n') == std::string::npos);
    stages = elite()["candidate_config"]["blocks"];
    stages[0]["activation"] = std::string(39, 'x') + "é";
    const std::string cut = message(stages.dump());
    CHECK(cut == valid_utf8(cut));
}
