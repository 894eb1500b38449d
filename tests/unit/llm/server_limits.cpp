// SPDX-License-Identifier: MIT
// Prompts over the context, members that servers refuse, proxies, redirects, dates in Retry-After, one slot for all.
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/chrono.h>

#include <llmnas/llm/proxy.hpp>

#include "servers.hpp"
#include "support/catch.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

namespace {

std::string refusal(const std::string& message) { return nlohmann::json{{"error", {{"message", message}}}}.dump(); }

}  // namespace

TEST_CASE("backend: a prompt over the context has its own error code and says the numbers", "[llm]") {
    const auto [status, body, got, wanted] = GENERATE(table<int, std::string, std::string, std::string>({
        // llama.cpp since 2025
        {400,
         R"({"error":{"code":400,"message":"the request exceeds the available context size, try increasing it",)"
         R"("type":"exceed_context_size_error","n_prompt_tokens":1423,"n_ctx":512}})",
         "1423 tokens", "512 tokens"},
        {400, refusal("request (1423 tokens) exceeds the available context size (512 tokens), try increasing it"),
         "1423 tokens", "512 tokens"},
        // hosted services, vLLM
        {400,
         R"({"error":{"message":"This model's maximum context length is 512 tokens. However, your messages resulted in )"
         R"(1423 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
         "1423 tokens", "512 tokens"},
        {400, R"({"object":"error","message":"The prompt is longer than the maximum model length of 512","code":400})",
         "", "512 tokens"},
        {500, refusal("the input exceeds the context window"), "", ""},
        {200, R"({"error":{"code":400,"type":"exceed_context_size_error","message":"too long","n_ctx":512}})", "",
         "512 tokens"},
    }));
    const scripted_server server({{status, body}});
    const auto answer = openai_backend::open(quick(server.url())).value().complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::context_overflow);
    CHECK_THAT(answer.error().text(), ContainsSubstring(got) && ContainsSubstring(wanted));
    CHECK(server.requests().size() == 1);
}

TEST_CASE("backend: where the prompt fits and max_tokens does not, the server's own limit stands", "[llm]") {
    const scripted_server server([](const nlohmann::json& body, std::size_t) {
        if (body.contains("max_tokens") || body.contains("max_completion_tokens"))
            return scripted_reply{
                400, refusal("'max_tokens' or 'max_completion_tokens' is too large: 2048. This model's maximum context "
                             "length is 2048 tokens and your request has 1000 input tokens")};
        return scripted_reply{200, chat_body("x")};
    });
    auto llm = openai_backend::open(quick(server.url())).value();
    const auto answer = llm.complete(hello());
    REQUIRE(answer);
    CHECK(answer->left_out == std::vector<std::string>{"max_tokens"});
    REQUIRE(llm.complete(hello()));
    CHECK(server.requests().size() == 3);
}

TEST_CASE("backend: a prompt that the server cut in silence is an answer like any other", "[llm]") {
    const scripted_server server({{200, chat_body("[]")}});  // 11 prompt tokens, whatever was sent
    auto request = hello();
    request.messages[1].content.assign(100'000, 'x');
    const auto answer = openai_backend::open(quick(server.url())).value().complete(request);
    REQUIRE(answer);
    CHECK(answer->usage == token_usage{11, 7});
}

TEST_CASE("backend: members that a server refuses are left out, remembered, told and reported", "[llm]") {
    const scripted_server server([](const nlohmann::json& body, std::size_t) {
        if (body.contains("max_tokens"))
            return scripted_reply{400,
                                  refusal("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                                          "'max_completion_tokens' instead.")};
        if (body.contains("temperature"))
            return scripted_reply{
                400, R"({"error":{"message":"Unsupported value: only the default works","param":"temperature"}})"};
        if (body.contains("min_p"))
            return scripted_reply{
                422, R"({"detail":[{"type":"extra_forbidden","loc":["body","min_p"],"msg":"Extra inputs"}]})"};
        return scripted_reply{200, chat_body("x")};
    });
    auto options = quick(server.url());
    std::vector<std::string> notices;
    options.on_notice = [&](const std::string& text) { notices.push_back(text); };
    auto llm = openai_backend::open(options).value();
    const auto answer = llm.complete(hello());
    REQUIRE(answer);
    CHECK(answer->left_out == std::vector<std::string>{"min_p", "temperature"});
    CHECK(server.requests().back().body["max_completion_tokens"] == 2048);
    CHECK(server.requests().size() == 4);
    CHECK(notices.size() == 3);
    REQUIRE(llm.complete(hello()));
    CHECK(server.requests().size() == 5);
    CHECK(notices.size() == 3);
}

TEST_CASE("backend: a date in Retry-After is waited for", "[llm]") {
    const auto at = std::time(nullptr) + 2;
    const scripted_server server({{429,
                                   "slow down",
                                   "text/plain",
                                   {{"Retry-After", fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(at))}}},
                                  {200, chat_body("x")}});
    auto options = quick(server.url());
    options.retry.longest_delay = milliseconds{5000};
    options.retry.total_wait = milliseconds{5000};
    REQUIRE(openai_backend::open(options).value().complete(hello()));
    CHECK(std::time(nullptr) >= at - 1);  // the header has whole seconds
}

TEST_CASE("backend: a refused key is final, and an unknown model says so", "[llm]") {
    const auto [status, words] =
        GENERATE(table<int, std::string>({{401, "API key"}, {403, "API key"}, {404, "model"}}));
    const scripted_server server({{status, refusal("no")}, {200, chat_body("x")}});
    const auto answer = openai_backend::open(quick(server.url())).value().complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(server.requests().size() == 1);
    CHECK_THAT(answer.error().text(), ContainsSubstring(words));
}

TEST_CASE("backend: with a key a page that the server lacks is 401, not 404, and that stops nothing", "[llm]") {
    const std::string key = "sk-test-0123456789abcdef";
    httplib::Server server;
    server.set_pre_routing_handler([](const httplib::Request& q, httplib::Response& r) {
        if (q.path == "/v1/models")
            r.set_content(R"({"data":[{"id":"scripted"}]})", "application/json");
        else if (q.path == "/v1/chat/completions")
            r.set_content(chat_body("x"), "application/json");
        else {
            r.status = 401;
            r.set_content(refusal("Invalid API Key"), "application/json");
        }
        return httplib::Server::HandlerResponse::Handled;
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    std::thread serving([&] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::sleep_for(milliseconds{1});
    auto options = quick(fmt::format("http://127.0.0.1:{}", port));
    options.key = api_key::from_text(key).value();
    auto llm = openai_backend::open(options).value();
    CHECK(llm.context_length() == std::nullopt);
    CHECK(llm.complete(hello()));
    options.url += "/elsewhere";
    const auto lost = openai_backend::open(options).value().complete(hello());
    server.stop();
    serving.join();
    REQUIRE_FALSE(lost);
    CHECK_THAT(lost.error().text(), ContainsSubstring("status 401") && ContainsSubstring("/elsewhere"));
    CHECK(lost.error().text().find(key) == std::string::npos);
}

TEST_CASE("backend: a server with one slot lets the second wait, up to its time-out", "[llm]") {
    const bool patient = GENERATE(true, false);
    const socket_server server([](const socket_server::send_function& send, std::size_t) {
        std::this_thread::sleep_for(milliseconds{300});
        const std::string body = chat_body("x");
        send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
    });
    auto options = quick(server.url());
    auto first = openai_backend::open(options).value();
    if (!patient) options.timeouts.first_byte = options.timeouts.connect = milliseconds{200};
    auto second = openai_backend::open(options).value();
    bool first_answered = false;
    std::thread other([&] { first_answered = first.complete(hello()).has_value(); });
    std::this_thread::sleep_for(milliseconds{50});  // the slot is taken
    const auto answer = second.complete(hello());
    other.join();
    CHECK(first_answered);
    CHECK(answer.has_value() == patient);
    if (!answer) CHECK(answer.error().code == errc::timeout);
}

TEST_CASE("backend: a server that says keep-alive and closes costs no request", "[llm]") {
    const socket_server server([](const socket_server::send_function& send, std::size_t) {
        const std::string body = chat_body("x");
        send(
            fmt::format("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\nContent-Length: "
                        "{}\r\n\r\n{}",
                        body.size(), body));
    });
    auto options = quick(server.url());
    options.retry = retry_policy::never();
    auto llm = openai_backend::open(options).value();
    for (std::size_t n = 1; n <= 3; ++n) {
        CHECK(llm.complete(hello()));
        CHECK(server.connections() == n);
    }
}

TEST_CASE("proxy: which servers are asked through which", "[llm]") {
    const proxy_settings s{"proxy.test:3128", "http://user:p%40ss@secure.test",
                           "example.com, .corp *.lan host:81,[::2]"};
    const auto way = [&](const char* url) {
        const auto p = proxy_for(parse_server_url(url).value(), s).value();
        return p ? fmt::format("{}:{}", p->host, p->port) : std::string("direct");
    };
    CHECK(way("http://models.test") == "proxy.test:3128");
    CHECK(way("https://models.test") == "secure.test:80");
    for (const char* const direct :
         {"http://localhost:8080", "http://127.0.0.1", "http://127.1.2.3", "http://[::1]", "https://EXAMPLE.com",
          "http://api.example.com", "http://x.corp", "http://corp", "http://a.lan", "http://host:81", "http://[::2]"})
        CHECK(way(direct) == "direct");
    for (const char* const proxied :
         {"http://badexample.com", "http://host:82", "http://example.com.evil", "http://[::3]"})
        CHECK(way(proxied) == "proxy.test:3128");
    const auto secret = proxy_for(parse_server_url("https://models.test").value(), s).value().value();
    CHECK(secret.user == "user");
    CHECK(secret.password == "p@ss");
    CHECK_FALSE(proxy_for(parse_server_url("http://models.test").value(), {"p", "p", "*"}).value());
    for (const char* const bad :
         {"socks5://user:secret@p:1", "https://p", "http://user:secret@", "http://p:99999", "p/x"}) {
        const auto refused = proxy_for(parse_server_url("http://models.test").value(), {bad, "", ""});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::bad_input);
        CHECK(refused.error().text().find("secret") == std::string::npos);
    }
}

TEST_CASE("proxy: requests go through it, with its own password", "[llm]") {
    std::string head;
    const socket_server proxy(socket_server::raw_behaviour([&](int peer) {
        char buffer[65536];
        const auto n = ::recv(peer, buffer, sizeof buffer, 0);
        head.assign(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
        const std::string body = chat_body("through the proxy");
        const std::string reply =
            fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.size(), body);
        static_cast<void>(::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL));
        std::this_thread::sleep_for(milliseconds{50});
    }));
    auto options = quick("http://models.test:8080");
    options.proxies.http = "http://user:password@" + proxy.url().substr(7);
    options.retry = retry_policy::never();
    const auto answer = openai_backend::open(options).value().complete(hello());
    INFO((answer ? std::string() : answer.error().text()));
    REQUIRE(answer);
    CHECK(answer->text == "through the proxy");
    CHECK_THAT(head, ContainsSubstring("POST http://models.test:8080/v1/chat/completions") &&
                         ContainsSubstring("Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA=="));
}

TEST_CASE("proxy: one that is not there is named, without its password", "[llm]") {
    std::string url;
    {
        url = socket_server([](const auto&, std::size_t) {}).url();
    }
    auto options = quick(GENERATE("http://models.test", "https://models.test"));
    options.proxies.http = options.proxies.https = "http://user:password@" + url.substr(7);
    options.retry = retry_policy::never();
    const auto answer = openai_backend::open(options).value().complete(hello());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unreachable);
    CHECK_THAT(answer.error().text(), ContainsSubstring("through the proxy " + url.substr(7)));
    CHECK(answer.error().text().find("password") == std::string::npos);
}

TEST_CASE("proxy: the environment is read, small letters first", "[llm]") {
    ::setenv("HTTP_PROXY", "capital:1", 1);
    ::setenv("http_proxy", "small:2", 1);
    ::setenv("NO_PROXY", "x.test", 1);
    const auto s = proxy_settings::from_environment();
    ::unsetenv("http_proxy");
    const auto t = proxy_settings::from_environment();
    ::unsetenv("HTTP_PROXY");
    ::unsetenv("NO_PROXY");
    CHECK(s.http == "small:2");
    CHECK(s.except == "x.test");
    CHECK(t.http == "capital:1");
}
