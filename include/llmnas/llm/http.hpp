// SPDX-License-Identifier: MIT
/// \file
/// One HTTP exchange with every way that it can fail told apart. The only file that includes cpp-httplib.
#pragma once

#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <httplib.h>

#include <llmnas/llm/http_watchdog.hpp>
#include <llmnas/llm/proxy.hpp>
#include <llmnas/llm/server_url.hpp>

namespace llmnas {

/// Time allowed for the parts of one exchange.
struct http_timeouts {
    std::chrono::milliseconds connect{10'000};
    std::chrono::milliseconds first_byte{300'000};  ///< of the reply; without streaming that is the whole generation
    std::chrono::milliseconds idle{120'000};        ///< between two pieces of the reply
    std::chrono::milliseconds whole{600'000};
};

struct http_reply {
    int status = 0;
    std::string body;
    std::string content_type;
    std::string retry_after;
    std::string location;  ///< of a redirect
};

struct http_request {
    std::string method = "GET";
    std::string path = "/";
    std::string body = {};  ///< JSON
    std::string authorization = {};
    std::optional<http_proxy> proxy = {};
    /// Hears each piece of the body as it comes, with status and headers; false ends the exchange.
    std::function<bool(const http_reply& head, std::string_view piece)> on_data = {};
    /// Asked ten times a second, from another thread; true ends the exchange.
    std::function<bool()> unwanted = {};
};

enum class http_trouble : std::uint8_t {
    none,
    refused,     ///< nothing listens there
    unresolved,  ///< no address for the host name
    no_route,    ///< no connection within the time allowed, or another failure to connect
    tls,         ///< certificate or handshake
    timeout,     ///< connected, but no whole reply in time
    broken,      ///< closed before the end of the reply
    too_long,    ///< more bytes than allowed
    stopped,     ///< by on_data or unwanted
};

/// A reply, or what went wrong in words (without anything that the server sent).
struct http_outcome {
    http_trouble trouble = http_trouble::none;
    http_reply reply;
    std::string explanation;
};

#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
inline constexpr bool http_has_tls = true;
#else
inline constexpr bool http_has_tls = false;
#endif

namespace detail {

[[nodiscard]] inline std::unique_ptr<httplib::ClientImpl> make_http_client(const server_url& url) {
#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
    if (url.tls) return std::make_unique<httplib::SSLClient>(url.host, url.port);
#endif
    return std::make_unique<httplib::ClientImpl>(url.host, url.port);
}

[[nodiscard]] inline bool resolves(const std::string& host) {
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found);
    if (failed == 0) ::freeaddrinfo(found);
    return failed == 0;
}

[[nodiscard]] inline double in_seconds(std::chrono::milliseconds t) { return std::chrono::duration<double>(t).count(); }

/// Tells apart what the library calls a failed connection, a failed read and so on.
[[nodiscard]] inline std::pair<http_trouble, std::string> explain_failure(
    httplib::Error failure, const std::string& host, const http_timeouts& limits, http_clock::duration since_begin,
    http_clock::duration since_heard, std::size_t received) {
    const auto no_connection = [&] {
        return std::pair{http_trouble::no_route, fmt::format("no connection within {} s", in_seconds(limits.connect))};
    };
    switch (failure) {
        case httplib::Error::SSLConnection:
            return {http_trouble::tls, "the TLS handshake failed"};
        case httplib::Error::SSLLoadingCerts:
            return {http_trouble::tls, "no certificates to verify the server with (package ca-certificates)"};
        case httplib::Error::ConnectionTimeout:
            return no_connection();
        case httplib::Error::Connection:
            if (!resolves(host)) return {http_trouble::unresolved, fmt::format("no address for the host `{}`", host)};
            if (since_begin >= limits.connect * 9 / 10) return no_connection();
            return {http_trouble::refused, "nothing answers there (connection refused)"};
        default:
            break;
    }
    const std::string word = httplib::to_string(failure);
    if (word.find("SSL") != std::string::npos)
        return {http_trouble::tls, fmt::format("the server's certificate is not accepted ({})", one_line(word))};
    const auto longest_read = std::max(limits.first_byte, limits.idle);
    if (since_heard >= longest_read * 9 / 10)
        return {http_trouble::timeout, fmt::format("the server sent nothing for {} s", in_seconds(longest_read))};
    return {http_trouble::broken, received == 0
                                      ? std::string("the connection was closed without a reply")
                                      : fmt::format("the connection was closed after {} bytes of the reply", received)};
}

}  // namespace detail

/// Sends one request on a connection of its own and reads the whole reply. Redirects are not followed; certificates are
/// verified. Throws nothing but std::bad_alloc and what on_data throws.
[[nodiscard]] inline http_outcome http_exchange(const server_url& url, const http_request& what,
                                                const http_timeouts& limits, std::size_t longest) {
    using clock = detail::http_clock;
    const detail::no_sigpipe guard;
    const auto client = detail::make_http_client(url);
    client->set_connection_timeout(limits.connect);
    client->set_read_timeout(std::max(limits.first_byte, limits.idle));
    client->set_write_timeout(limits.first_byte);
    client->set_follow_location(false);
    client->set_keep_alive(false);
    if (what.proxy) {
        client->set_proxy(what.proxy->host, what.proxy->port);
        if (!what.proxy->user.empty()) client->set_proxy_basic_auth(what.proxy->user, what.proxy->password);
    }

    httplib::Request request;
    request.method = what.method;
    request.path = what.path;
    request.headers = {
        {"Accept", "application/json, text/event-stream"}, {"Accept-Encoding", "identity"}, {"User-Agent", "llmnas"}};
    if (!what.authorization.empty()) request.headers.emplace("Authorization", what.authorization);
    if (!what.body.empty()) {
        request.headers.emplace("Content-Type", "application/json");
        request.body = what.body;
    }
    const auto begin = clock::now();
    auto heard = begin;
    http_outcome out;
    const auto trouble = [&out](http_trouble t, std::string words) {
        out.trouble = t;
        out.explanation = std::move(words);
        return std::move(out);
    };
    detail::http_watchdog watchdog([&client] { client->stop(); }, begin + limits.whole,
                                   begin + limits.connect + limits.first_byte, limits.idle, what.unwanted);
    const auto note = [&] {
        heard = clock::now();
        watchdog.heard();
    };
    request.response_handler = [&](const httplib::Response& head) {
        note();
        out.reply.status = head.status;
        out.reply.content_type = head.get_header_value("Content-Type");
        out.reply.retry_after = head.get_header_value("Retry-After");
        out.reply.location = head.get_header_value("Location");
        return true;
    };
    bool too_long = false;
    bool stopped = false;
    request.content_receiver = [&](const char* data, std::size_t size, auto, auto) {
        note();
        too_long = out.reply.body.size() + size > longest;
        if (too_long || heard > begin + limits.whole) return false;
        out.reply.body.append(data, size);
        stopped = what.on_data && !what.on_data(out.reply, {data, size});
        return !stopped;
    };

    httplib::Response response;
    httplib::Error failure = httplib::Error::Success;
    const bool ok = client->send(request, response, failure);
    const detail::http_limit limit = watchdog.end();
    if (ok && limit == detail::http_limit::none) {  // a body without a length ends where the watchdog stops it
        out.reply.status = response.status;
        return out;
    }
    if (stopped || limit == detail::http_limit::unwanted)
        return trouble(http_trouble::stopped, "stopped while the reply came");
    if (too_long) return trouble(http_trouble::too_long, fmt::format("the reply is longer than {} bytes", longest));
    if (limit == detail::http_limit::whole || clock::now() >= begin + limits.whole)
        return trouble(http_trouble::timeout,
                       fmt::format("no whole reply within {} s", detail::in_seconds(limits.whole)));
    if (limit == detail::http_limit::first_byte)
        return trouble(http_trouble::timeout,
                       fmt::format("no reply within {} s", detail::in_seconds(limits.connect + limits.first_byte)));
    if (limit == detail::http_limit::idle)
        return trouble(http_trouble::timeout,
                       fmt::format("the reply stopped for {} s", detail::in_seconds(limits.idle)));
    const auto now = clock::now();
    auto [kind, words] = detail::explain_failure(failure, what.proxy ? what.proxy->host : url.host, limits, now - begin,
                                                 now - heard, out.reply.body.size());
    if (what.proxy) words += fmt::format(" (through the proxy {}:{})", what.proxy->host, what.proxy->port);
    return trouble(kind, std::move(words));
}

}  // namespace llmnas
