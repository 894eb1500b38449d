// SPDX-License-Identifier: MIT
/// \file
/// One HTTP exchange with every way that it can fail told apart. The only file that includes cpp-httplib.
#pragma once

#include <netdb.h>
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <httplib.h>

#include <llmnas/llm/server_url.hpp>

namespace llmnas {

/// Time allowed for the parts of one exchange.
struct http_timeouts {
    std::chrono::milliseconds connect{10'000};
    std::chrono::milliseconds silence{300'000};  ///< until the first byte, and between two
    std::chrono::milliseconds whole{600'000};
};

struct http_request {
    std::string method = "GET";
    std::string path = "/";
    std::string body = {};  ///< JSON
    std::string authorization = {};
};

struct http_reply {
    int status = 0;
    std::string body;
    std::string retry_after;
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

using http_clock = std::chrono::steady_clock;

[[nodiscard]] inline std::unique_ptr<httplib::ClientImpl> make_http_client(const server_url& url) {
#ifdef CPPHTTPLIB_OPENSSL_SUPPORT
    if (url.tls) return std::make_unique<httplib::SSLClient>(url.host, url.port);
#endif
    return std::make_unique<httplib::ClientImpl>(url.host, url.port);
}

/// Ends the exchange at a point in time, whatever it is doing: httplib's own time-outs are those of single reads.
class http_deadline {
public:
    http_deadline(httplib::ClientImpl& client, http_clock::time_point end)
        : thread_([this, &client, end] {
              std::unique_lock lock(mutex_);
              if (ended_.wait_until(lock, end, [this] { return done_; })) return;
              fired_ = true;
              do {
                  client.stop();  // again and again: it has no effect between two connection attempts
              } while (!ended_.wait_for(lock, std::chrono::milliseconds{20}, [this] { return done_; }));
          }) {}
    http_deadline(const http_deadline&) = delete;
    http_deadline& operator=(const http_deadline&) = delete;
    ~http_deadline() { end(); }

    /// Stops watching; whether the time was up.
    bool end() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        ended_.notify_all();
        if (thread_.joinable()) thread_.join();
        return fired_;
    }

private:
    std::mutex mutex_;
    std::condition_variable ended_;
    bool done_ = false;
    bool fired_ = false;
    std::thread thread_;
};

/// Keeps SIGPIPE from ending the program while it stands: httplib's clients write to sockets that the server may have
/// closed. For this thread only, and without touching the program's own handler.
class no_sigpipe {
public:
    no_sigpipe() {
        ::sigset_t pending;
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~no_sigpipe() {
        const ::timespec at_once{};
        if (!was_pending_)
            while (::sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
            }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;

private:
    ::sigset_t pipe_{};
    ::sigset_t before_{};
    bool was_pending_ = false;
};

[[nodiscard]] inline bool resolves(const std::string& host) {
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found);
    if (failed == 0) ::freeaddrinfo(found);
    return failed == 0;
}

}  // namespace detail

/// Sends one request on a connection of its own and reads the whole reply. Redirects are not followed; certificates are
/// verified. Throws nothing but std::bad_alloc.
[[nodiscard]] inline http_outcome http_exchange(const server_url& url, const http_request& what,
                                                const http_timeouts& limits, std::size_t longest) {
    using std::chrono::duration;
    using clock = detail::http_clock;
    const detail::no_sigpipe guard;
    const auto client = detail::make_http_client(url);
    client->set_connection_timeout(limits.connect);
    client->set_read_timeout(limits.silence);
    client->set_write_timeout(limits.silence);
    client->set_follow_location(false);
    client->set_keep_alive(false);

    httplib::Request request;
    request.method = what.method;
    request.path = what.path;
    request.headers = {{"Accept", "application/json"}, {"Accept-Encoding", "identity"}, {"User-Agent", "llmnas"}};
    if (!what.authorization.empty()) request.headers.emplace("Authorization", what.authorization);
    if (!what.body.empty()) {
        request.headers.emplace("Content-Type", "application/json");
        request.body = what.body;
    }
    const auto begin = clock::now();
    const auto end = begin + limits.whole;
    auto heard = begin;
    http_outcome out;
    bool too_long = false;
    bool late = false;
    request.content_receiver = [&](const char* data, std::size_t size, auto, auto) {
        heard = clock::now();
        too_long = out.reply.body.size() + size > longest;
        late = heard > end;
        if (too_long || late) return false;
        out.reply.body.append(data, size);
        return true;
    };

    httplib::Response response;
    httplib::Error failure = httplib::Error::Success;
    detail::http_deadline deadline(*client, end);
    const bool ok = client->send(request, response, failure);
    late = deadline.end() || late;
    if (ok) {
        out.reply.status = response.status;
        out.reply.retry_after = response.get_header_value("Retry-After");
        return out;
    }

    const auto since = [](clock::time_point t) { return clock::now() - t; };
    const auto seconds = [](std::chrono::milliseconds t) { return duration<double>(t).count(); };
    const auto fill = [&](http_trouble t, std::string words) {
        out.trouble = t;
        out.explanation = std::move(words);
        return std::move(out);
    };
    if (too_long) return fill(http_trouble::too_long, fmt::format("the reply is longer than {} bytes", longest));
    if (late) return fill(http_trouble::timeout, fmt::format("no whole reply within {} s", seconds(limits.whole)));
    switch (failure) {
        case httplib::Error::SSLConnection:
            return fill(http_trouble::tls, "the TLS handshake failed");
        case httplib::Error::SSLLoadingCerts:
            return fill(http_trouble::tls, "no certificates to verify the server with (package ca-certificates)");
        case httplib::Error::ConnectionTimeout:
            return fill(http_trouble::no_route, fmt::format("no connection within {} s", seconds(limits.connect)));
        case httplib::Error::Connection:
            if (!detail::resolves(url.host))
                return fill(http_trouble::unresolved, fmt::format("no address for the host `{}`", url.host));
            if (since(begin) >= limits.connect * 9 / 10)
                return fill(http_trouble::no_route, fmt::format("no connection within {} s", seconds(limits.connect)));
            return fill(http_trouble::refused, "nothing answers there (connection refused)");
        default:
            break;
    }
    const std::string word = httplib::to_string(failure);
    if (word.find("SSL") != std::string::npos)
        return fill(http_trouble::tls, fmt::format("the server's certificate is not accepted ({})", one_line(word)));
    if (since(heard) >= limits.silence * 9 / 10)
        return fill(http_trouble::timeout, fmt::format("the server sent nothing for {} s", seconds(limits.silence)));
    return fill(http_trouble::broken,
                out.reply.body.empty()
                    ? std::string("the connection was closed without a reply")
                    : fmt::format("the connection was closed after {} bytes of the reply", out.reply.body.size()));
}

}  // namespace llmnas
