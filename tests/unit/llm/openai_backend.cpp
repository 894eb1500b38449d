// SPDX-License-Identifier: MIT
// The backend against real HTTP servers in this process that behave as servers in the field do.
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <llmnas/llm/any_language_model.hpp>

#include "servers.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

namespace {

openai_backend backend(const openai_options& o) { return openai_backend::open(o).value(); }

template <class T>
std::string text_of(const result<T>& r) {
    return r ? std::string("no error") : r.error().text();
}

double seconds_since(std::chrono::steady_clock::time_point t) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
}

constexpr const char* key_text = "sk-test-0123456789abcdef";

}  // namespace

TEST_CASE("backend: a completion, what is sent and what is read", "[llm]") {
    const scripted_server server({{200, chat_body("[{\"kernel_size\": 3}]", "length")}});
    auto request = hello();
    request.json_schema = nlohmann::ordered_json{{"type", "array"}};
    request.sampling.seed = 7;
    auto llm = backend(quick(server.url() + "/v1/"));
    const auto answer = llm.complete(request);
    INFO(text_of(answer));
    REQUIRE(answer);
    CHECK(answer->text == "[{\"kernel_size\": 3}]");
    CHECK(answer->model == "scripted");
    CHECK(answer->finish_reason == "length");
    CHECK(answer->usage == token_usage{11, 7});
    CHECK(answer->seconds > 0);
    CHECK(llm.name() == "scripted at " + server.url());

    const auto sent = server.requests();
    REQUIRE(sent.size() == 1);
    const nlohmann::json& body = sent[0].body;
    CHECK(sent[0].authorization.empty());
    CHECK(body["messages"][0]["role"] == "system");
    CHECK(body["messages"][1]["content"] == "Propose.");
    CHECK(body["temperature"] == 1.5);
    CHECK(body["min_p"] == 0.1);
    CHECK(body["top_k"] == 0);
    CHECK(body["top_p"] == 1.0);
    CHECK(body["max_tokens"] == 2048);
    CHECK(body["seed"] == 7);
    CHECK(body["response_format"]["type"] == "json_schema");
    CHECK(body["response_format"]["json_schema"]["schema"]["type"] == "array");
}

TEST_CASE("backend: without a model name the first of the server's list is taken", "[llm]") {
    const scripted_server server({{200, chat_body("x")}});
    auto options = quick(server.url());
    options.model.clear();
    auto llm = backend(options);
    CHECK(llm.list_models().value() == std::vector<served_model>{{"scripted", {}}, {"another", {}}});
    REQUIRE(llm.complete(hello()));
    CHECK(server.requests()[0].body["model"] == "scripted");
}

TEST_CASE("backend: the context length is what the server says, wherever it says it, and asked for once", "[llm]") {
    struct place {
        std::map<std::string, std::string> pages;
        std::optional<std::int32_t> context;
    };
    const std::string bare = R"({"data":[{"id":"m"}]})";
    for (const place& p : {
             place{{{"/v1/models", R"({"data":[{"id":"x","meta":{"n_ctx":1}},{"id":"m","meta":{"n_ctx":4096}}]})"}},
                   4096},  // llama.cpp of 2026
             place{{{"/v1/models", R"({"data":[{"id":"m","meta":{"n_ctx_train":131072}}]})"},
                    {"/props", R"({"default_generation_settings":{"n_ctx":2048}})"}},
                   2048},                                                                          // llama.cpp of 2025
             place{{{"/v1/models", R"({"data":[{"id":"m","max_model_len":32768}]})"}}, 32768},     // vLLM
             place{{{"/v1/models", R"({"data":[{"id":"m","context_length":131072}]})"}}, 131072},  // OpenRouter
             place{
                 {{"/v1/models", bare}, {"/api/ps", R"({"models":[{"name":"m","model":"m","context_length":4096}]})"}},
                 4096},  // Ollama
             place{{{"/v1/models", bare}}, std::nullopt},
             place{{{"/v1/models", R"({"data":[{"id":"m","max_model_len":"many","context_length":-1}]})"},
                    {"/props", "<html>"},
                    {"/api/ps", R"({"models":[7,{"name":7}]})"}},
                   std::nullopt},
         }) {
        const scripted_server server({{200, chat_body("x")}}, {}, p.pages);
        auto options = quick(server.url());
        options.model = "m";
        auto llm = backend(options);
        CHECK(llm.context_length() == p.context);
        CHECK(llm.context_length() == p.context);
        CHECK(any_language_model(std::move(llm)).context_length() == p.context);
    }
    auto options = quick("http://127.0.0.1:1");
    CHECK(backend(options).context_length() == std::nullopt);
}

TEST_CASE("backend: 503 while loading, then an answer; Retry-After is waited for and capped", "[llm]") {
    const std::string loading = R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})";
    const scripted_server server({{503, loading, "application/json", {{"Retry-After", "3600"}}},
                                  {503, loading},
                                  {429, R"({"error":{"code":null,"type":"rate_limit","message":"slow down"}})"},
                                  {200, chat_body("ready")}});
    auto options = quick(server.url());
    std::string reasons;
    options.on_wait = [&](const wait_notice& w) { reasons += w.reason + ";"; };
    const auto begin = std::chrono::steady_clock::now();
    auto answer = backend(options).complete(hello());
    INFO(text_of(answer));
    REQUIRE(answer);
    CHECK(answer->text == "ready");
    CHECK(server.requests().size() == 4);
    CHECK(seconds_since(begin) >= 0.1);  // the cap stands for 3600 s
    CHECK(seconds_since(begin) < 1.5);
    CHECK_THAT(reasons, ContainsSubstring("503: Loading model"));
    CHECK_THAT(reasons, ContainsSubstring("429: slow down"));
}

TEST_CASE("backend: waiting ends at the number of attempts, at the total wait and at the user's word", "[llm]") {
    const scripted_server server({{503, R"({"error":{"message":"Loading model"}})"}});
    auto options = quick(server.url());
    auto answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
    CHECK_THAT(text_of(answer), ContainsSubstring("Loading model") && ContainsSubstring("after 4 requests"));
    CHECK(server.requests().size() == 4);

    options.retry.attempts = 1000;
    options.retry.total_wait = milliseconds{50};
    CHECK_FALSE(backend(options).complete(hello()));

    options.unwanted = [] { return true; };
    answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::interrupted);
}

TEST_CASE("backend: client errors and exhausted quotas are not tried again", "[llm]") {
    const auto body = GENERATE(
        as<scripted_reply>{}, scripted_reply{400, R"({"error":{"code":400,"message":"wrong request","type":"x"}})"},
        scripted_reply{404, R"({"message":"wrong request","object":"error","type":"NotFoundError","code":404})"},
        scripted_reply{422, R"({"detail":[{"msg":"wrong request"}]})"},
        scripted_reply{500, R"({"error":"wrong request"})"},
        scripted_reply{429, R"({"error":{"message":"wrong request","type":"insufficient_quota"}})"},
        scripted_reply{403, "<html><head><title>403</title></head><body><h1>wrong request</h1></body></html>",
                       "text/html"},
        scripted_reply{413, "wrong request", "text/plain"});
    const scripted_server server({body});
    const auto answer = backend(quick(server.url())).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
    CHECK_THAT(text_of(answer), ContainsSubstring("wrong request"));
    CHECK_THAT(text_of(answer), ContainsSubstring(fmt::format("status {}", body.status)));
    CHECK_THAT(text_of(answer), ContainsSubstring(server.url()));
    CHECK(text_of(answer).find_first_of("\n<>") == std::string::npos);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("backend: errors under status 200 and replies that are no completion", "[llm]") {
    const auto [body, words] = GENERATE(table<std::string, std::string>({
        {R"({"error":{"message":"context is full","code":500}})", "context is full"},
        {R"({"object":"error","message":"context is full","type":"x","code":400})", "context is full"},
        {"<html><body>It works!</body></html>", "no JSON object"},
        {"", "no JSON object"},
        {"It works!", "no JSON object"},
        {"[]", "no JSON object"},
        {R"({"choices":[]})", "no choices"},
        {R"({"choices":[{"message":{"content":null}}]})", "no text"},
        {R"({"choices":[{"message":{"content":null,"refusal":"I cannot"}}]})", "refuses: I cannot"},
        {R"({"choices":[{"message":{"content":null},"finish_reason":"length"}]})", "reasoning"},
        {R"({"choices":[{"delta":{}}]})", "no message"},
        {R"({"choices":[{"message":{"content":"x"}})", "no JSON object"},
    }));
    const scripted_server server({{200, body}});
    const auto answer = backend(quick(server.url())).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
    CHECK_THAT(text_of(answer), ContainsSubstring(words));
    // A stream without events is asked for once as a whole.
    CHECK(server.requests().size() == (body.empty() || body == "It works!" ? 2 : 1));
}

TEST_CASE("backend: a key is sent as Bearer and stands in no error text", "[llm]") {
    const temporary_directory folder;
    const auto file = (folder / "key").string();
    std::ofstream(file) << key_text << "\n";
    auto options = quick("");
    SECTION("the right key, from a file") {
        const scripted_server server({{200, chat_body(std::string("echo ") + key_text)}}, key_text);
        options.url = server.url();
        options.key = api_key::from_file(file).value();
        auto answer = backend(options).complete(hello());
        INFO(text_of(answer));
        REQUIRE(answer);
        CHECK(answer->text == "echo ***");
        CHECK(server.requests()[0].authorization == std::string("Bearer ") + key_text);
    }
    SECTION("a wrong key, from the environment") {
        const scripted_server server({{200, chat_body("x")}}, "another");
        options.url = server.url();
        ::setenv("LLMNAS_TEST_KEY", key_text, 1);
        options.key = api_key::from_environment("LLMNAS_TEST_KEY").value();
        ::unsetenv("LLMNAS_TEST_KEY");
        for (const std::string& text :
             {text_of(backend(options).complete(hello())), text_of(backend(options).list_models())}) {
            CHECK_THAT(text, ContainsSubstring("status 401") && ContainsSubstring("another API key"));
            CHECK(text.find(key_text) == std::string::npos);
        }
    }
    SECTION("no key where one is needed") {
        const scripted_server server({{200, chat_body("x")}}, "another");
        options.url = server.url();
        CHECK_THAT(text_of(backend(options).complete(hello())), ContainsSubstring("$LLMNAS_LLM_API_KEY"));
    }
    SECTION("keys in every other way to fail") {
        options.key = api_key::from_text(key_text).value();
        options.model = key_text;
        for (const std::size_t filler : {90U, 105U, 115U, 190U, 290U}) {  // where texts are cut
            const scripted_server server({{400, std::string(filler, 'x') + key_text}});
            options.url = server.url();
            CHECK(text_of(backend(options).complete(hello())).find("sk-test") == std::string::npos);
        }
        for (const std::string& body : {std::string(key_text), nlohmann::json{{"error", key_text}}.dump(),
                                        nlohmann::json{{"detail", key_text}}.dump()}) {
            const scripted_server server({{500, body}, {200, body}});
            options.url = server.url();
            auto llm = backend(options);
            CHECK(text_of(llm.complete(hello())).find(key_text) == std::string::npos);
            CHECK(text_of(llm.complete(hello())).find(key_text) == std::string::npos);
            CHECK(llm.name().find(key_text) == std::string::npos);
        }
    }
    SECTION("malformed keys are refused without being quoted") {
        for (const char* const bad : {"secret\r\nX-Header: 1", "sec ret", "secr\xC3\xA9t"}) {
            const auto key = api_key::from_text(bad);
            REQUIRE_FALSE(key);
            CHECK(text_of(key).find("sec") == std::string::npos);
        }
        CHECK(api_key::from_text(" \n")->empty());
        CHECK_THAT(text_of(api_key::from_file((folder / "none").string())), ContainsSubstring("cannot open"));
    }
}

TEST_CASE("backend: sampling parameters that a server refuses by name are left out from then on", "[llm]") {
    const scripted_server server([](const nlohmann::json& body, std::size_t) {
        for (const char* const name : {"min_p", "top_k"})
            if (body.contains(name))
                return scripted_reply{
                    400, nlohmann::json{{"error",
                                         {{"message", std::string("Unrecognized request argument supplied: ") + name}}}}
                             .dump()};
        return scripted_reply{200, chat_body("x")};
    });
    auto llm = backend(quick(server.url()));
    REQUIRE(llm.complete(hello()));
    CHECK(server.requests().size() == 3);
    REQUIRE(llm.complete(hello()));
    CHECK(server.requests().size() == 4);
    CHECK(server.requests().back().body["temperature"] == 1.5);
    CHECK(llm.dialect().refused == std::set<std::string>{"min_p", "top_k"});
}

TEST_CASE("backend: a server that switches top_k off by -1 is told so from then on", "[llm]") {
    const scripted_server server([](const nlohmann::json& body, std::size_t) {
        if (body["top_k"] == 0)
            return scripted_reply{400,
                                  R"({"object":"error","message":"top_k must be -1 (disable), or at least 1, got 0.",)"
                                  R"("type":"BadRequestError","param":null,"code":400})"};
        return scripted_reply{200, chat_body("x")};
    });
    auto llm = backend(quick(server.url()));
    const auto answer = llm.complete(hello());
    REQUIRE(answer);
    CHECK(answer->left_out.empty());
    CHECK(server.requests().back().body["top_k"] == -1);
    REQUIRE(llm.complete(hello()));
    CHECK(server.requests().size() == 3);
    auto some = hello();
    some.sampling.top_k = 40;
    REQUIRE(llm.complete(some));
    CHECK(server.requests().back().body["top_k"] == 40);
}

TEST_CASE("backend: invalid UTF-8 from either side does no harm", "[llm]") {
    const scripted_server server({{200, "{\"choices\":[{\"message\":{\"content\":\"a\xFF\xC3z\"}}]}"}});
    auto request = hello();
    request.messages[1].content = "caf\xC3 \xED\xA0\x80";
    const auto answer = backend(quick(server.url())).complete(request);
    INFO(text_of(answer));
    REQUIRE(answer);
    CHECK(answer->text == "a\xEF\xBF\xBD\xEF\xBF\xBDz");
    CHECK(answer->finish_reason.empty());
    CHECK_FALSE(answer->usage);
    REQUIRE(server.requests().size() == 1);
    CHECK(server.requests()[0].body.is_object());
}

TEST_CASE("backend: redirects are not followed", "[llm]") {
    const scripted_server target({{200, chat_body("from elsewhere")}});
    const scripted_server server({{307, "", "text/plain", {{"Location", target.url() + "/v1/chat/completions"}}}});
    const auto answer = backend(quick(server.url())).complete(hello());
    CHECK_THAT(text_of(answer), ContainsSubstring("status 307") && ContainsSubstring("redirects are not followed"));
    CHECK(target.requests().empty());
}

TEST_CASE("backend: a huge reply is refused at the limit", "[llm]") {
    const scripted_server server({{200, chat_body(std::string(3'000'000, 'x'))}});
    auto options = quick(server.url());
    options.longest_reply = 100'000;
    const auto answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
    CHECK_THAT(text_of(answer), ContainsSubstring("longer than 100000 bytes"));
    CHECK(server.requests().size() == 1);
}

TEST_CASE("backend: a reply cut in the middle is asked for again, then reported", "[llm]") {
    const std::string body = chat_body("whole");
    const std::string head = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.size());
    const std::size_t broken = GENERATE(1U, 100U);
    const bool chunked = GENERATE(false, true);
    const socket_server server([&](const socket_server::send_function& send, std::size_t n) {
        if (n >= broken)
            send(head + body);
        else if (chunked)
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + body.substr(0, 32) + "\r\n20\r\n{");
        else
            send(head + body.substr(0, 20));
    });
    const auto answer = backend(quick(server.url())).complete(hello());
    if (broken == 1) {
        INFO(text_of(answer));
        REQUIRE(answer);
        CHECK(answer->text == "whole");
        CHECK(server.connections() == 2);
    } else {
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::server);
        CHECK_THAT(text_of(answer), ContainsSubstring("closed after") && ContainsSubstring("4 requests"));
    }
}

TEST_CASE("backend: what is no HTTP is an error", "[llm]") {
    const std::string garbage = GENERATE(as<std::string>{}, "", "SSH-2.0-OpenSSH_9.2\r\n", "\x01\x02\x03",
                                         "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100");
    const socket_server server([&](const socket_server::send_function& send, std::size_t) { send(garbage); });
    const auto answer = backend(quick(server.url())).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
    CHECK_THAT(text_of(answer), ContainsSubstring(server.url()));
}

TEST_CASE("backend: silence and slow drips end at the time-outs", "[llm]") {
    const auto [part, words] = GENERATE(table<std::string, std::string>({{"nothing", "sent nothing for 0.3 s"},
                                                                         {"body", "within 0.6 s"},
                                                                         {"chunks", "within 0.6 s"},
                                                                         {"header", "within 0.6 s"}}));
    const socket_server server([which = part](const socket_server::send_function& send, std::size_t) {
        if (which == "body") send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        if (which == "chunks") send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        if (which == "header") send("HTTP/1.1 200 OK\r\nX-Slow: ");
        const auto begin = std::chrono::steady_clock::now();
        while (seconds_since(begin) < 3 &&
               (which == "nothing" ? send("") : send(which == "chunks" ? "1\r\nx\r\n" : "x")))
            std::this_thread::sleep_for(milliseconds{50});
    });
    auto options = quick(server.url());
    options.timeouts = {milliseconds{300}, milliseconds{300}, milliseconds{300}, milliseconds{600}};
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::timeout);
    CHECK_THAT(text_of(answer), ContainsSubstring(words));
    CHECK(seconds_since(begin) < 1.5);
    CHECK(server.connections() <= 1);
}

TEST_CASE("backend: no server, no host, no TLS", "[llm]") {
    std::string url;
    {
        url = socket_server([](const auto&, std::size_t) {}).url();
    }
    auto options = quick(url);
    auto answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unreachable);
    CHECK_THAT(text_of(answer),
               ContainsSubstring("refused") && ContainsSubstring(url) && ContainsSubstring("requests in"));

    options.url = "http://no-such-host.invalid:8080";
    answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unreachable);
    CHECK_THAT(text_of(answer), ContainsSubstring("no address for the host `no-such-host.invalid`"));

    const socket_server plain([](const auto& send, std::size_t) { send("HTTP/1.1 200 OK\r\n\r\n"); }, false);
    options.url = plain.url("https");
    answer = backend(options).complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unreachable);
    CHECK_THAT(text_of(answer), ContainsSubstring("TLS"));
}

TEST_CASE("backend: a server that closes while it is written to does not end the program", "[llm]") {
    struct ::sigaction before {};
    struct ::sigaction deadly {};
    deadly.sa_handler = SIG_DFL;  // httplib's servers, of other tests, ignore the signal for the whole process
    REQUIRE(::sigaction(SIGPIPE, &deadly, &before) == 0);
    const socket_server server([](const auto&, std::size_t) {}, false);
    auto request = hello();
    request.messages[1].content.assign(20'000'000, 'x');
    auto options = quick(server.url());
    options.retry = retry_policy::never();
    const auto answer = backend(options).complete(request);
    ::sigaction(SIGPIPE, &before, nullptr);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
    CHECK_THAT(text_of(answer), ContainsSubstring("closed without a reply"));
}

TEST_CASE("backend: a server that comes up during the waits is found", "[llm]") {
    int port = 0;
    {
        const socket_server first([](const auto&, std::size_t) {});
        port = parse_server_url(first.url())->port;
    }
    std::thread later;
    httplib::Server server;
    server.Post("/v1/chat/completions", [](const httplib::Request&, httplib::Response& r) {
        r.set_content(chat_body("up"), "application/json");
    });
    later = std::thread([&] {
        std::this_thread::sleep_for(milliseconds{150});
        server.listen("127.0.0.1", port);
    });
    auto options = quick(fmt::format("http://127.0.0.1:{}", port));
    options.retry.attempts = 100;
    options.retry.refused_wait = milliseconds{5000};
    const auto answer = backend(options).complete(hello());
    server.stop();
    later.join();
    INFO(text_of(answer));
    REQUIRE(answer);
    CHECK(answer->text == "up");
}

TEST_CASE("backend: looking for a local server takes less than a second", "[llm]") {
    const auto begin = std::chrono::steady_clock::now();
    const auto url = find_local_server();
    CHECK(seconds_since(begin) < 1.5);
    if (url) CHECK_THAT(*url, ContainsSubstring("http://127.0.0.1:"));
}
