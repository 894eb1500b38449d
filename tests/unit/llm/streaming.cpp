// SPDX-License-Identifier: MIT
// Answers that come as server-sent events, from servers that cut them anywhere, stall, fail in the middle or cannot
// stream at all.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <llmnas/llm/sse.hpp>

#include "servers.hpp"
#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

std::string delta(const std::string& text) {
    return "data: " + nlohmann::json{{"model", "scripted"}, {"choices", {{{"delta", {{"content", text}}}}}}}.dump() +
           "\n\n";
}

/// As llama.cpp streams: a role with null content, pieces, a finish reason with an empty delta, usage without choices.
std::string whole_stream(const std::string& finish_reason = "stop") {
    return R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]})"
           "\n\n" +
           delta("[{\"a\": ") + delta("1}]") + R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":")" +
           finish_reason + "\"}]}\n\n" +
           R"(data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}})"
           "\n\ndata: [DONE]\n\n";
}

openai_backend backend(const std::string& url) { return openai_backend::open(quick(url)).value(); }

std::vector<sse_event> events_of(const std::string& text, std::size_t piece) {
    std::vector<sse_event> events;
    const auto keep = [&](const sse_event& e) { events.push_back(e); };
    sse_parser parser;
    for (std::size_t i = 0; i < text.size(); i += piece) parser.feed(std::string_view(text).substr(i, piece), keep);
    parser.finish(keep);
    return events;
}

}  // namespace

TEST_CASE("sse: events do not depend on where the pieces are cut", "[llm]") {
    const std::string text =
        "\xEF\xBB\xBF: comment\r\ndata: one\r\n\r\nevent: note\rdata:two\rdata\rdata:  three\r\r\n\ndata: x\xC3\xA4\n\n"
        "id: 7\nretry: 10\nevent: empty\n\nerror: {\"code\":500}\n\ndata: last";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        const auto events = events_of(text, piece);
        REQUIRE(events.size() == 5);
        CHECK(events[0].name == "message");
        CHECK(events[0].data == "one");
        CHECK(events[1].name == "note");
        CHECK(events[1].data == "two\n\n three");
        CHECK(events[2].data == "x\xC3\xA4");
        CHECK(events[3].name == "error");
        CHECK(events[3].data == "{\"code\":500}");
        CHECK(events[4].data == "last");
    }
}

TEST_CASE("streaming: an answer in pieces of any size, with a live count of tokens", "[llm]") {
    const std::string body = whole_stream();
    const std::size_t piece = GENERATE(1U, 7U, 64U, 100000U);
    const bool chunked = GENERATE(false, true);
    const socket_server server([&](const socket_server::send_function& send, std::size_t) {
        send(chunked ? "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n"
                     : std::string(stream_head));
        for (std::size_t i = 0; i < body.size(); i += piece) {
            const std::string part = body.substr(i, piece);
            send(chunked ? fmt::format("{:x}\r\n{}\r\n", part.size(), part) : part);
        }
        if (chunked) send("0\r\n\r\n");
    });
    auto options = quick(server.url());
    std::vector<std::int64_t> counts;
    std::string last;
    options.on_tokens = [&](const stream_progress& p) {
        counts.push_back(p.tokens);
        last = p.text;
        return p.seconds >= 0;
    };
    const auto answer = openai_backend::open(options).value().complete(hello());
    REQUIRE(answer);
    CHECK(answer->text == "[{\"a\": 1}]");
    CHECK(last == answer->text);
    CHECK(answer->finish_reason == "stop");
    CHECK(answer->model == "scripted");
    CHECK(answer->usage == token_usage{11, 7});
    CHECK(counts == std::vector<std::int64_t>{1, 2, 7});  // pieces, then the server's own count
    CHECK(server.connections() == 1);
}

TEST_CASE("streaming: stream and usage are asked for, and not where streaming is off", "[llm]") {
    const scripted_server server({{200, chat_body("x")}});
    REQUIRE(backend(server.url()).complete(hello()));
    auto options = quick(server.url());
    options.stream = false;
    REQUIRE(openai_backend::open(options).value().complete(hello()));
    const auto sent = server.requests();
    CHECK(sent[0].body["stream"] == true);
    CHECK(sent[0].body["stream_options"]["include_usage"] == true);
    CHECK(sent[1].body["stream"] == false);
    CHECK_FALSE(sent[1].body.contains("stream_options"));
}

TEST_CASE("streaming: servers that cannot are asked for the whole answer", "[llm]") {
    SECTION("it answers with a whole completion, under whatever type") {
        const scripted_server server({{200, chat_body("whole"), GENERATE("application/json", "text/plain")}});
        const auto answer = backend(server.url()).complete(hello());
        REQUIRE(answer);
        CHECK(answer->text == "whole");
        CHECK(server.requests().size() == 1);
    }
    SECTION("it refuses, and is asked so from then on") {
        const auto refusal =
            GENERATE(as<std::string>{}, "streaming is not supported", "Unsupported parameter: 'stream'");
        const scripted_server server([&](const nlohmann::json& body, std::size_t) {
            return body.value("stream", false) ? scripted_reply{400, nlohmann::json{{"error", refusal}}.dump()}
                                               : scripted_reply{200, chat_body("whole")};
        });
        auto options = quick(server.url());
        std::vector<std::string> notices;
        options.on_notice = [&](const std::string& n) { notices.push_back(n); };
        auto llm = openai_backend::open(options).value();
        REQUIRE(llm.complete(hello()));
        REQUIRE(llm.complete(hello()));
        CHECK(server.requests().size() == 3);
        REQUIRE(notices.size() == 1);
        CHECK_THAT(notices[0], ContainsSubstring("refuses stream"));
    }
    SECTION("it does not know stream_options") {
        const scripted_server server([&](const nlohmann::json& body, std::size_t) {
            return body.contains("stream_options")
                       ? scripted_reply{422, R"({"detail":[{"loc":["body","stream_options"],"msg":"extra"}]})"}
                       : scripted_reply{200, whole_stream(), "text/event-stream"};
        });
        const auto answer = backend(server.url()).complete(hello());
        REQUIRE(answer);
        CHECK(answer->text == "[{\"a\": 1}]");
        CHECK(server.requests().back().body["stream"] == true);
    }
    SECTION("its stream is empty") {
        const scripted_server server([&](const nlohmann::json& body, std::size_t) {
            return body.value("stream", false) ? scripted_reply{200, ": ping\n\n", "text/event-stream"}
                                               : scripted_reply{200, chat_body("whole")};
        });
        const auto answer = backend(server.url()).complete(hello());
        REQUIRE(answer);
        CHECK(answer->text == "whole");
    }
}

TEST_CASE("streaming: a stream that ends in the middle is asked for again, then reported", "[llm]") {
    const std::size_t broken = GENERATE(1U, 100U);
    const socket_server server([&](const socket_server::send_function& send, std::size_t n) {
        send(std::string(stream_head) + (n < broken ? delta("[{") + "data: {\"cho" : whole_stream()));
    });
    const auto answer = backend(server.url()).complete(hello());
    if (broken == 1) {
        REQUIRE(answer);
        CHECK(answer->text == "[{\"a\": 1}]");  // nothing of the first try
        CHECK(server.connections() == 2);
    } else {
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::server);
        CHECK_THAT(answer.error().text(), ContainsSubstring("ended in the middle") && ContainsSubstring("4 requests"));
    }
}

TEST_CASE("streaming: a finish reason without [DONE] is an end, and [DONE] without a close too", "[llm]") {
    const bool closes = GENERATE(true, false);
    const socket_server server([&](const socket_server::send_function& send, std::size_t) {
        send(stream_head);
        if (closes) {
            send(delta("x") + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n");
            return;
        }
        send(delta("x") + "data: [DONE]\n\n");
        for (int i = 0; i < 100 && send(": ping\n\n"); ++i) std::this_thread::sleep_for(milliseconds{30});
    });
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = backend(server.url()).complete(hello());
    REQUIRE(answer);
    CHECK(answer->text == "x");
    CHECK(answer->finish_reason == (closes ? "length" : ""));
    CHECK_FALSE(answer->usage);
    CHECK(std::chrono::steady_clock::now() - begin < milliseconds{1500});
}

TEST_CASE("streaming: errors inside a stream under status 200", "[llm]") {
    const auto [body, code, words] = GENERATE(table<std::string, errc, std::string>({
        {"error: {\"code\":500,\"message\":\"slot is gone\",\"type\":\"server_error\"}\n\ndata: [DONE]\n\n",
         errc::server, "slot is gone"},
        {delta("x") + "data: {\"error\":{\"message\":\"slot is gone\",\"code\":500}}\n\n", errc::server,
         "slot is gone"},
        {delta("x") + "event: error\ndata: slot is gone\n\n", errc::server, "slot is gone"},
        {"data: {\"error\":{\"code\":400,\"message\":\"too long\",\"type\":\"exceed_context_size_error\","
         "\"n_prompt_tokens\":900,\"n_ctx\":512}}\n\n",
         errc::context_overflow, "900 tokens"},
        {"data: {\"choices\":[{\"delta\":{\"refusal\":\"I cannot\"},\"finish_reason\":\"stop\"}]}\n\n", errc::server,
         "refuses: I cannot"},
        {"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"},\"finish_reason\":\"length\"}]}\n\n",
         errc::server, "reasoning"},
        {"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n", errc::server, "filter"},
    }));
    const scripted_server server({{200, body, "text/event-stream"}});
    const auto answer = backend(server.url()).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == code);
    CHECK_THAT(answer.error().text(), ContainsSubstring(words));
    CHECK(server.requests().size() == 1);
}

TEST_CASE("streaming: a stalled stream ends at the idle time-out, a slow one does not", "[llm]") {
    const bool stalls = GENERATE(true, false);
    const socket_server server([&](const socket_server::send_function& send, std::size_t) {
        send(stream_head);
        send(delta("x"));
        for (int i = 0; i < (stalls ? 60 : 8); ++i) {
            std::this_thread::sleep_for(milliseconds{50});
            if (!send(stalls ? "" : delta("y"))) return;
        }
        send(whole_stream());
    });
    auto options = quick(server.url());
    options.timeouts.idle = milliseconds{200};
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = openai_backend::open(options).value().complete(hello());
    if (stalls) {
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::timeout);
        CHECK_THAT(answer.error().text(), ContainsSubstring("the reply stopped for 0.2 s"));
        CHECK(std::chrono::steady_clock::now() - begin < milliseconds{1000});
    } else {
        REQUIRE(answer);
        CHECK(answer->text == "xyyyyyyyy[{\"a\": 1}]");
    }
}

TEST_CASE("streaming: the user may stop an answer; a huge one is cut off; the key stands in none", "[llm]") {
    auto options = quick("");
    SECTION("stopped, whether the server talks on or says nothing") {
        const bool talks = GENERATE(true, false);
        const socket_server server([talks](const socket_server::send_function& send, std::size_t) {
            if (talks) send(stream_head);
            const auto begin = std::chrono::steady_clock::now();
            while (std::chrono::steady_clock::now() - begin < std::chrono::seconds{5} && (!talks || send(delta("x"))))
                std::this_thread::sleep_for(milliseconds{10});
        });
        options.url = server.url();
        options.timeouts = {};
        std::atomic<bool> unwanted = false;
        options.unwanted = [&] { return unwanted.load(); };
        std::thread user([&] {
            std::this_thread::sleep_for(milliseconds{100});
            unwanted = true;
        });
        const auto begin = std::chrono::steady_clock::now();
        const auto answer = openai_backend::open(options).value().complete(hello());
        user.join();
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::interrupted);
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{3});
    }
    SECTION("huge") {
        const socket_server server([](const socket_server::send_function& send, std::size_t) {
            send(stream_head);
            while (send(delta(std::string(1000, 'x')))) continue;
        });
        options.url = server.url();
        options.longest_reply = 100'000;
        const auto answer = openai_backend::open(options).value().complete(hello());
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::server);
        CHECK_THAT(answer.error().text(), ContainsSubstring("longer than 100000 bytes"));
    }
    SECTION("key over several pieces, and in errors") {
        const std::string key = "sk-test-0123456789/\"abc";
        options.key = api_key::from_text(key).value();
        const scripted_server server(
            {{200, delta("my key: sk-test-01") + delta("23456789/\"abc!") + whole_stream(), "text/event-stream"},
             {200, "error: {\"message\":\"" + std::string(290, 'x') + "sk-test-0123456789\\/\\\"abc\"}\n\n",
              "text/event-stream"}});
        options.url = server.url();
        auto llm = openai_backend::open(options).value();
        const auto answer = llm.complete(hello());
        REQUIRE(answer);
        CHECK(answer->text == "my key: ***![{\"a\": 1}]");
        const auto failed = llm.complete(hello());
        REQUIRE_FALSE(failed);
        CHECK(failed.error().text().find("sk-test") == std::string::npos);
    }
    SECTION("invalid UTF-8 and garbage between the events") {
        const scripted_server server({{200,
                                       "data: not JSON\n\ngarbage\n\ndata: [1]\n\n" + delta("a") +
                                           "data: {\"choices\":[{\"delta\":{\"content\":\"\xFFz\"}}]}\n\n" +
                                           "data: {\"choices\":[null]}\n\ndata: [DONE]\n\n",
                                       "text/event-stream"}});
        options.url = server.url();
        const auto answer = openai_backend::open(options).value().complete(hello());
        REQUIRE(answer);
        CHECK(answer->text == "a\xEF\xBF\xBDz");
    }
}
