// SPDX-License-Identifier: MIT
/// \file
/// HTTP servers on 127.0.0.1 for the tests of the backend. They play scripted replies; none of them is a model.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/openai_backend.hpp>
#include <nlohmann/json.hpp>

namespace llmnas::test {

/// Body of a chat completion with this text.
inline std::string chat_body(const std::string& text, const std::string& finish_reason = "stop") {
    return nlohmann::json{
        {"model", "scripted"},
        {"choices",
         {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", finish_reason}}}},
        {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 7}}}}
        .dump();
}

/// What the scripted server answers to the n-th completion request.
struct scripted_reply {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers = {};
};

/// Plays a list of replies, the last one again and again, and keeps the requests.
class scripted_server {
public:
    using script = std::function<scripted_reply(const nlohmann::json& request, std::size_t n)>;

    /// `pages`: bodies of GET requests by path, beside or instead of the list of models.
    explicit scripted_server(script replies, std::string required_key = {},
                             std::map<std::string, std::string> pages = {})
        : replies_(std::move(replies)), key_(std::move(required_key)), pages_(std::move(pages)) {
        pages_.emplace("/v1/models", R"({"object":"list","data":[{"id":"scripted"},{"id":"another"}]})");
        const auto answer = [this](const httplib::Request& q, httplib::Response& r) { reply(q, r); };
        server_.Post("/v1/chat/completions", answer);
        for (const auto& page : pages_)
            server_.Get(page.first, [this, &page](const httplib::Request& q, httplib::Response& r) {
                if (allowed(q, r)) r.set_content(page.second, "application/json");
            });
        port_ = server_.bind_to_any_port("127.0.0.1");
        if (port_ <= 0) throw std::runtime_error("llmnas::test::scripted_server: cannot bind");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    explicit scripted_server(std::vector<scripted_reply> replies, std::string required_key = {},
                             std::map<std::string, std::string> pages = {})
        : scripted_server(
              [replies = std::move(replies)](const nlohmann::json&, std::size_t n) {
                  return replies[std::min(n, replies.size() - 1)];
              },
              std::move(required_key), std::move(pages)) {}
    ~scripted_server() {
        server_.stop();
        thread_.join();
    }
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;

    [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

    struct seen {
        nlohmann::json body;
        std::string authorization;
    };
    [[nodiscard]] std::vector<seen> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

private:
    bool allowed(const httplib::Request& q, httplib::Response& r) const {
        if (key_.empty() || q.get_header_value("Authorization") == "Bearer " + key_) return true;
        r.status = 401;
        // Some servers quote the key that they refuse.
        r.set_content(nlohmann::json{{"error",
                                      {{"message", "Invalid API Key " + q.get_header_value("Authorization")},
                                       {"type", "authentication_error"},
                                       {"code", 401}}}}
                          .dump(),
                      "application/json");
        return false;
    }
    void reply(const httplib::Request& q, httplib::Response& r) {
        std::size_t n = 0;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back({nlohmann::json::parse(q.body, nullptr, false), q.get_header_value("Authorization")});
            n = requests_.size() - 1;
        }
        if (!allowed(q, r)) return;
        const scripted_reply s = replies_(requests_[n].body, n);
        r.status = s.status;
        for (const auto& [name, value] : s.headers) r.set_header(name.c_str(), value.c_str());
        r.set_content(s.body, s.type.c_str());
    }

    script replies_;
    std::string key_;
    std::map<std::string, std::string> pages_;
    httplib::Server server_;
    int port_ = 0;
    std::thread thread_;
    mutable std::mutex mutex_;
    std::vector<seen> requests_;
};

/// A TCP server for what no HTTP library sends on purpose: after each request it runs the behaviour on the socket and
/// closes it.
class socket_server {
public:
    /// send() of a peer: false once the other side is gone or the test ends.
    using send_function = std::function<bool(std::string_view)>;
    using behaviour = std::function<void(const send_function& send, std::size_t connection)>;

    /// Has the socket to itself, before anything is read.
    using raw_behaviour = std::function<void(int peer)>;

    explicit socket_server(raw_behaviour b) : socket_server(behaviour{}, false, std::move(b)) {}
    explicit socket_server(behaviour b, bool read_request = true) : socket_server(std::move(b), read_request, {}) {}
    ~socket_server() {
        ended_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    socket_server(const socket_server&) = delete;
    socket_server& operator=(const socket_server&) = delete;

    [[nodiscard]] std::string url(std::string_view scheme = "http") const {
        return fmt::format("{}://127.0.0.1:{}", scheme, port_);
    }
    [[nodiscard]] std::size_t connections() const { return connections_; }

private:
    socket_server(behaviour b, bool read_request, raw_behaviour raw)
        : behaviour_(std::move(b)), raw_(std::move(raw)), read_(read_request) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 8) != 0 ||
            ::getsockname(listener_, generic, &size) != 0)
            throw std::runtime_error("llmnas::test::socket_server: cannot bind");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    void serve() {
        for (;;) {
            const int peer = ::accept(listener_, nullptr, nullptr);
            if (peer < 0) return;
            if (raw_) {
                raw_(peer);
                ++connections_;
                ::close(peer);
                continue;
            }
            if (read_) read_request(peer);
            behaviour_(
                [this, peer](std::string_view text) {
                    while (!text.empty() && !ended_) {
                        const auto n = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
                        if (n <= 0) return false;
                        text.remove_prefix(static_cast<std::size_t>(n));
                    }
                    return !ended_;
                },
                connections_++);
            ::close(peer);
        }
    }
    static void read_request(int peer) {
        std::string text;
        char buffer[4096];
        std::size_t wanted = std::string::npos;
        while (text.size() < wanted) {
            const auto n = ::recv(peer, buffer, sizeof(buffer), 0);
            if (n <= 0) return;
            text.append(buffer, static_cast<std::size_t>(n));
            const std::size_t head = text.find("\r\n\r\n");
            if (wanted != std::string::npos || head == std::string::npos) continue;
            const std::size_t length = text.find("Content-Length: ");
            wanted = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
        }
    }

    behaviour behaviour_;
    raw_behaviour raw_;
    bool read_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<std::size_t> connections_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

/// Options with time-outs and waits fit for tests.
inline openai_options quick(const std::string& url) {
    using std::chrono::milliseconds;
    openai_options o;
    o.url = url;
    o.model = "scripted";
    o.timeouts = {milliseconds{1000}, milliseconds{1000}, milliseconds{1000}, milliseconds{2000}};
    o.proxies = {};
    o.probe = false;
    o.retry.first_delay = milliseconds{10};
    o.retry.longest_delay = milliseconds{100};
    o.retry.total_wait = milliseconds{1000};
    o.retry.refused_wait = milliseconds{200};
    o.retry.attempts = 4;
    return o;
}

inline completion_request hello() {
    completion_request r;
    r.messages = {{chat_role::system, "Answer with JSON."}, {chat_role::user, "Propose."}};
    return r;
}

}  // namespace llmnas::test
