// SPDX-License-Identifier: MIT
#include <llmnas/llm/server_url.hpp>

#include <string>

#include <llmnas/llm/retry.hpp>
#include "support/catch.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("server_url: accepted forms", "[llm]") {
    const auto [text, url] = GENERATE(table<std::string, server_url>({
        {"http://127.0.0.1:8080", {false, "127.0.0.1", 8080, ""}},
        {"http://localhost/", {false, "localhost", 80, ""}},
        {"https://api.example.com/v1", {true, "api.example.com", 443, ""}},
        {"https://api.example.com:8443/v1/", {true, "api.example.com", 8443, ""}},
        {"https://gate.example.com/openai/v1//", {true, "gate.example.com", 443, "/openai"}},
        {"http://gate.example.com/a/b", {false, "gate.example.com", 80, "/a/b"}},
        {"http://[::1]:8080/v1", {false, "::1", 8080, ""}},
        {"http://[fe80::1]", {false, "fe80::1", 80, ""}},
    }));
    const auto parsed = parse_server_url(text);
    INFO(text);
    REQUIRE(parsed);
    CHECK(*parsed == url);
    CHECK(parse_server_url(parsed->text()).value() == url);
}

TEST_CASE("server_url: refused with a reason", "[llm]") {
    const auto [text, why] = GENERATE(table<std::string, std::string>({
        {"", "empty URL"},
        {"localhost:8080", "no http:// or https://"},
        {"ftp://host", "no http:// or https://"},
        {"http://", "no host"},
        {"http://:8080", "no host"},
        {"http://host:", "no number"},
        {"http://host:0", "no number"},
        {"http://host:65536", "no number"},
        {"http://host:80x", "no number"},
        {"http://host:-1", "no number"},
        {"http://host:99999999999999999999", "no number"},
        {"http://ho st", "no URL holds"},
        {"http://host/\r\nX: y", "no URL holds"},
        {"http://host/v1?key=1", "query"},
        {"http://host/#x", "fragment"},
        {"http://ho%41st", "no host name"},
        {"http://[::1", "no ]"},
        {"http://[host]", "no IPv6"},
        {"http://[::1]x", "no number"},
    }));
    const auto parsed = parse_server_url(text);
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == errc::bad_input);
    CHECK_THAT(parsed.error().text(), ContainsSubstring(why) && ContainsSubstring("wanted http://HOST"));
    CHECK(parsed.error().text().find('\n') == std::string::npos);
}

TEST_CASE("server_url: a password in the URL is refused and not quoted", "[llm]") {
    const auto parsed = parse_server_url("https://me:hunter2@host/v1");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().text().find("hunter2") == std::string::npos);
}

TEST_CASE("retry: Retry-After as seconds and as a date", "[llm]") {
    using std::chrono::seconds;
    CHECK(parse_retry_after("7", 0) == seconds{7});
    CHECK(parse_retry_after(" 0 ", 0) == seconds{0});
    CHECK(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470) == seconds{10});
    CHECK(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 1445413000) == seconds{0});
    for (const char* const bad : {"", "-1", "soon", "1.5", "99999999999999999999999", "Wed, 21 Oct 2015"})
        CHECK_FALSE(parse_retry_after(bad, 0));
    CHECK(parse_retry_after("9999999999", 0) == seconds{1'000'000});
}

TEST_CASE("retry: delays double, stay below the cap and end", "[llm]") {
    using std::chrono::milliseconds;
    retry_policy p;
    p.attempts = 6;
    p.first_delay = milliseconds{100};
    p.longest_delay = milliseconds{500};
    backoff b(p, 1);
    for (const int low : {100, 200, 400, 500, 500}) {
        const auto delay = b.next(std::nullopt, false);
        REQUIRE(delay);
        CHECK(*delay >= milliseconds{low});
        CHECK(*delay <= std::min(milliseconds{low + low / 2}, p.longest_delay));
    }
    CHECK_FALSE(b.next(std::nullopt, false));
    CHECK(b.attempts() == 6);

    p.total_wait = milliseconds{300};
    backoff short_wait(p, 1);
    CHECK_FALSE(short_wait.next(std::chrono::seconds{10}, false));
    p.refused_wait = milliseconds{50};
    backoff refused(p, 1);
    CHECK_FALSE(refused.next(std::nullopt, true));
    CHECK(refused.next(std::nullopt, false));
    CHECK_FALSE(backoff(retry_policy::never(), 1).next(std::nullopt, false));
}

TEST_CASE("server URL: what may hold a secret is not quoted", "[llm]") {
    for (const char* url : {"https://h.example/v1?api-key=SECRET123", "h.example:80?key=SECRET123",
                            "https://user:SECRET123@h.example", "http://h.example/#SECRET123"}) {
        const auto parsed = parse_server_url(url);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().text().find("SECRET123") == std::string::npos);
    }
}
