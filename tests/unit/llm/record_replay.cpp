// SPDX-License-Identifier: MIT
// Exchanges with a language model written down and played again.
#include <llmnas/llm/recorder.hpp>
#include <llmnas/llm/replay.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <llmnas/llm/any_language_model.hpp>
#include <llmnas/llm/llm_proposer.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/space/sampling.hpp>

#include "servers.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* key_text = "sk-test/0123456789\"abcdef";

std::string text_in(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A language model whose answers are written beforehand.
struct written {
    std::vector<result<completion>> answers;
    std::size_t next = 0;
    [[nodiscard]] static std::string name() { return "written"; }
    result<completion> complete(const completion_request&) { return answers[next++ % answers.size()]; }
};

completion_request numbered(int n) {
    auto r = hello();
    r.messages[1].content = fmt::format("Propose network {}.\nKeep the limits.\n", n);
    r.json_schema = nlohmann::ordered_json{{"type", "array"}, {"items", {{"enum", {1, 0.25, "x", false}}}}};
    r.sampling.seed = 1000 + static_cast<unsigned>(n);
    return r;
}

completion answer(const std::string& text) {
    completion c;
    c.text = text;
    c.model = "m";
    c.finish_reason = "stop";
    c.usage = token_usage{123, 45};
    c.seconds = 0.1 + 0.2;
    c.left_out = {"min_p"};
    c.schema_sent_as = "json_object";
    return c;
}

/// Answers and errors of all kinds, recorded.
std::vector<result<completion>> record_three(const std::filesystem::path& file) {
    auto bare = answer("caf\xC3\xA9 \"quoted\" \\ \n\t\x01 \xF0\x9F\x90\x9F");
    bare.usage.reset();
    auto r = recorder<written>::open(
                 {{answer("[1]"), fail(errc::timeout, "no reply", "http://x", "got", "wanted"), bare}}, file)
                 .value();
    std::vector<result<completion>> answers;
    for (int n = 0; n < 3; ++n) answers.push_back(r.complete(numbered(n)));
    return answers;
}

void check_equal(const result<completion>& a, const result<completion>& b) {
    REQUIRE(a.has_value() == b.has_value());
    if (a) {
        CHECK(*a == *b);
    } else {
        CHECK(a.error().code == b.error().code);
        CHECK(a.error().text() == b.error().text());
    }
}

}  // namespace

TEST_CASE("recorder and replay: answers and errors come back bit-equal, in order", "[llm]") {
    const temporary_directory folder;
    const auto file = folder / transcript_file_name;
    const auto live = record_three(file);
    auto again = replay::open(file).value();
    CHECK(again.name() == "written");
    CHECK(again.remaining() == 3);
    for (int n = 0; n < 3; ++n) check_equal(again.complete(numbered(n)), live[static_cast<std::size_t>(n)]);
    CHECK_FALSE(again.failure());
    const auto after = again.complete(numbered(3));
    REQUIRE_FALSE(after);
    CHECK(after.error().code == errc::unavailable);
    CHECK_THAT(after.error().text(), ContainsSubstring("no more exchanges") && ContainsSubstring("got request 4"));
    CHECK(again.failure());

    const auto line = json_value::parse(text_in(file).substr(0, text_in(file).find('\n')));
    CHECK(line["request"]["messages"][1]["content"] == "Propose network 0.\nKeep the limits.\n");
    CHECK(line["request"]["sampling"]["seed"] == 1000);
    CHECK(line["request"]["json_schema"]["type"] == "array");
    CHECK(line["reply"]["usage"]["prompt_tokens"] == 123);
    CHECK(line["time"].get<std::string>().size() == 20);
}

TEST_CASE("replay: says where a request differs from the recorded one", "[llm]") {
    const temporary_directory folder;
    const auto file = folder / transcript_file_name;
    record_three(file);
    auto again = replay::open(file).value();
    auto other = numbered(0);
    std::string words;
    SECTION("inside a message") {
        other.messages[1].content = "Propose network 0.\nKeep the limit of SRAM.\n";
        words =
            "exchange 1, message 2 (user), line 2, column 15 (byte 33): the prompt differs from the recorded one (got "
            "`...rk 0. Keep the limit of SRAM.`, wanted `...rk 0. Keep the limits.`)";
    }
    SECTION("at the end of a message") {
        other.messages[0].content += " Now!";
        words =
            "message 1 (system), line 1, column 18 (byte 17): the prompt differs from the recorded one (got "
            "`Answer with JSON. Now!`, wanted the end of the message)";
    }
    SECTION("another role") {
        other.messages[0].role = chat_role::assistant;
        words = "message 1 (system): the prompt differs from the recorded one (got role assistant, wanted role system)";
    }
    SECTION("fewer messages") {
        other.messages.pop_back();
        words = "message 2: the prompt differs from the recorded one (got 1 messages, wanted 2 messages)";
    }
    SECTION("the sampling") {
        other.sampling.temperature = 0.5;
        words = "temperature: the sampling differs from the recorded one (got 0.5, wanted 1.5)";
    }
    SECTION("the schema") {
        other.json_schema.reset();
        words = "byte 0: the schema differs from the recorded one (got none, wanted `{\"type\":\"array\"";
    }
    const auto differs = again.complete(other);
    REQUIRE_FALSE(differs);
    CHECK(differs.error().code == errc::bad_input);
    CHECK_THAT(differs.error().text(), ContainsSubstring(words));
    CHECK(again.remaining() == 3);  // nothing is used up
    CHECK(again.complete(numbered(0)));
    REQUIRE(again.failure());
    CHECK(again.failure()->text() == differs.error().text());
}

TEST_CASE("recorder: a torn last line is cut off, a replay passes it over; broken lines are errors", "[llm]") {
    const temporary_directory folder;
    const auto file = folder / transcript_file_name;
    record_three(file);
    const std::string whole = text_in(file);
    const std::size_t second = whole.find('\n', whole.find('\n') + 1) + 1;
    for (const std::size_t cut : {second + 1, second + 200, whole.size() - 1}) {
        std::ofstream(file, std::ios::binary) << whole.substr(0, cut);
        auto again = replay::open(file).value();
        if (cut < whole.size() - 1) {
            CHECK(again.remaining() == 2);
            CHECK_THAT(again.notice(), ContainsSubstring("line 3: a torn last line"));
        } else {
            CHECK(again.remaining() == 3);  // only its end of line is missing
        }
        const auto r = recorder<written>::open({{answer("new")}}, file).value();
        CHECK_THAT(r.notice(), ContainsSubstring("torn"));
        CHECK(text_in(file) == whole.substr(0, second));
    }
    const auto [text, words] = GENERATE(table<std::string, std::string>(
        {{"[1]\n", "line 1: not an exchange"},
         {"nonsense\n{}\n", "line 1: line is not JSON (got nonsense"},
         {R"({"model":"m","seconds":1,"request":{"messages":[{"role":"king","content":""}]}})", "king"},
         {R"({"model":"m","seconds":"x"})", "not an exchange"}}));
    std::ofstream(file, std::ios::binary) << text;
    const auto bad = replay::open(file);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code == errc::bad_input);
    CHECK_THAT(bad.error().text(), ContainsSubstring(words));
    CHECK(replay::open(folder / "none").error().code == errc::io);
    CHECK(replay::open(folder.path()).error().code == errc::io);
    CHECK(recorder<written>::open({}, folder / "no/such/folder").error().code == errc::io);
}

TEST_CASE("recorder: keys stand in neither file nor answers, wherever they came from", "[llm]") {
    const temporary_directory folder;
    const auto file = folder / transcript_file_name;
    const std::string key = key_text;
    auto r = recorder<written>::open(
                 {{answer("your key is " + key), fail(errc::server, "refused " + key, key, key, key),
                   fail(errc::server,
                        "header `Authorization: Bearer another-key-42` and authorization: Basic dXNlcjpwYXNz1=="),
                   answer("A bearer authentication is basic knowledge.")}},
                 file, api_key::from_text(key).value())
                 .value();
    auto request = hello();
    request.messages[1].content += "My key is " + key + "; bearer sk-0123456789abc";
    std::string seen;
    for (int n = 0; n < 4; ++n) {
        const auto a = r.complete(request);
        seen += a ? a->text : a.error().text();
    }
    seen += text_in(file);
    for (const char* const secret : {"sk-test", "0123456789", "another-key", "dXNlcjpw"})
        CHECK(seen.find(secret) == std::string::npos);
    CHECK_THAT(seen, ContainsSubstring("your key is ***") && ContainsSubstring("A bearer authentication is basic"));
    auto again = replay::open(file, api_key::from_text(key).value()).value();
    CHECK(again.complete(request)->text == "your key is ***");
}

TEST_CASE("recorder: interruptions are not written, other processes may write too", "[llm]") {
    const temporary_directory folder;
    const auto file = folder / transcript_file_name;
    auto a = recorder<written>::open({{fail(errc::interrupted, "stopped"), answer("a")}}, file).value();
    auto b = recorder<written>::open({{answer("b")}}, file).value();
    CHECK_FALSE(a.complete(numbered(0)));
    REQUIRE(a.complete(numbered(0)));
    REQUIRE(b.complete(numbered(1)));
    REQUIRE(b.complete(numbered(2)));
    auto again = replay::open(file).value();
    CHECK(again.remaining() == 3);
    CHECK(again.complete(numbered(0))->text == "a");
    CHECK(again.complete(numbered(1))->text == "b");
}

TEST_CASE("any_language_model: hands on, and gives back what it holds", "[llm]") {
    any_language_model m(written{{answer("x")}});
    CHECK(m.name() == "written");
    CHECK(m.complete(hello())->text == "x");
    REQUIRE(m.get<written>() != nullptr);
    CHECK(m.get<written>()->next == 1);
    CHECK(m.get<replay>() == nullptr);
}

namespace {

/// A search over the model; the journal without what tells of time.
template <class Model>
std::vector<json_value> search(const std::filesystem::path& dir, Model model) {
    const problem task;
    gate<table1_se> judge(task);
    auto s = study<table1_se, paper_objectives>::open(dir, {{"test", "replay"}}, judge);
    REQUIRE(s);
    in_process<scripted_search> here;
    search_observer silent;
    search_loop<scripted_search, in_process<scripted_search>> loop(*s, judge, here, silent,
                                                                   {.trials = 8, .fidelity = {.epochs = 2}, .seed = 3});
    llm_proposer<table1_se, Model> llm(std::move(model));
    REQUIRE(loop.run(llm));
    std::vector<json_value> lines;
    std::ifstream in(dir / "journal.log");
    for (std::string line; std::getline(in, line);) {
        auto j = json_value::parse(line);
        for (const char* const name : {"datetime_start", "datetime_complete", "worker_id"}) j.erase(name);
        if (j.contains("user_attr")) j["user_attr"].erase("lease");
        if (j.contains("user_attrs")) j["user_attrs"].erase("lease");
        lines.push_back(std::move(j));
    }
    return lines;
}

}  // namespace

TEST_CASE("replay: a search played again gives the same journal without a server", "[llm]") {
    const temporary_directory folder;
    std::vector<json_value> live;
    {
        // Networks of the space, and the failures of real servers between them.
        const scripted_server server([rng = splitmix64{7}](const nlohmann::json&, std::size_t n) mutable {
            if (n % 5 == 1) return scripted_reply{200, chat_body("Once upon a time there was a network.")};
            if (n % 5 == 3) return scripted_reply{500, R"({"error":{"message":"slot unavailable"}})"};
            if (n % 7 == 4) return scripted_reply{503, "busy"};
            const auto net = decode(sample<table1_se>(rng));
            return scripted_reply{200, chat_body(proposal_json<table1_se>(net).dump(), n % 6 == 5 ? "length" : "stop")};
        });
        auto model = openai_backend::open(quick(server.url())).value();
        live = search(folder / "live",
                      recorder<openai_backend>::open(std::move(model), folder / transcript_file_name).value());
    }
    REQUIRE(live.size() > 20);
    const auto again = search(folder / "again", replay::open(folder / transcript_file_name).value());
    REQUIRE(again.size() == live.size());
    for (std::size_t i = 0; i < live.size(); ++i) CHECK(again[i].dump() == live[i].dump());
}
