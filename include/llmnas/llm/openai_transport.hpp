// SPDX-License-Identifier: MIT
/// \file
/// Requests to one server with retries, and what it refuses as errors without the key.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/complaint.hpp>
#include <llmnas/llm/http.hpp>
#include <llmnas/llm/openai_options.hpp>
#include <llmnas/llm/openai_reply.hpp>
#include <llmnas/llm/retry.hpp>
#include <llmnas/llm/server_url.hpp>
#include <llmnas/llm/sse.hpp>

namespace llmnas::openai {

/// A reply that may have come as a stream: then `stream` holds it.
struct exchange {
    http_reply reply;
    std::optional<stream_reader> stream;
};

/// Sends requests to one server; 429, 502, 503, a refused or broken connection and a broken stream are tried again.
class transport {
public:
    transport(openai_options options, server_url url, std::optional<http_proxy> proxy)
        : options_(std::move(options)), url_(std::move(url)), proxy_(std::move(proxy)) {}

    [[nodiscard]] const openai_options& options() const noexcept { return options_; }
    [[nodiscard]] const server_url& url() const noexcept { return url_; }

    /// One request with retries; a reply of any status that is not worth another try.
    [[nodiscard]] result<exchange> ask(const std::string& method, const std::string& path,
                                       const std::string& body = {}) const {
        http_request request{.method = method, .path = url_.prefix + path, .body = body, .proxy = proxy_};
        if (!options_.key.empty()) request.authorization = options_.key.bearer();
        request.unwanted = options_.unwanted;
        backoff waits(options_.retry,
                      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
        for (;;) {
            listener heard{options_};
            request.on_data = [&heard](const http_reply& head, std::string_view piece) {
                return heard.take(head, piece);
            };
            http_outcome out = http_exchange(url_, request, options_.timeouts, options_.longest_reply);
            heard.judge(out);
            if (out.trouble != http_trouble::none && unwanted())
                return fail(errc::interrupted, "stopped while the server was asked", url_.text());
            // Before anything cuts the text: half of a key would not be found any more.
            out.reply.body = options_.key.redact_secret(std::move(out.reply.body));
            std::string reason;
            std::optional<std::chrono::seconds> retry_after;
            if (out.trouble == http_trouble::none) {
                const int status = out.reply.status;
                if (status != 429 && status != 502 && status != 503)
                    return exchange{std::move(out.reply), std::move(heard).stream()};
                const complaint c = complaint_of(out.reply.body);
                if (c.kind.find("insufficient_quota") != std::string::npos) return refusal(out.reply);
                retry_after = parse_retry_after(out.reply.retry_after, std::time(nullptr));
                reason = options_.key.redact(fmt::format("status {}: {}", status, c.message));
            } else {
                reason = out.explanation;
                if (out.trouble != http_trouble::refused && out.trouble != http_trouble::broken)
                    return transport_error(out, waits);
            }
            const auto delay = waits.next(retry_after, out.trouble == http_trouble::refused);
            if (!delay) {
                if (out.trouble != http_trouble::none) return transport_error(out, waits);
                auto e = refusal(out.reply);
                e.value().what += after(waits);
                return e;
            }
            if (!wait(*delay, reason, waits.attempts() - 1))
                return fail(errc::interrupted, "stopped while waiting for the server", url_.text(), reason);
        }
    }

    /// A reply that is no answer, as an error that says what to do about it.
    [[nodiscard]] tl::unexpected<error> refusal(const http_reply& reply) const {
        error e = error_of(complaint_of(reply.body), fmt::format("status {}", reply.status), url_.text());
        if (reply.status == 401 || reply.status == 403)
            e.wanted = options_.key.empty() ? "an API key in $LLMNAS_LLM_API_KEY or a file" : "another API key";
        else if (reply.status >= 300 && reply.status < 400) {
            e.what = fmt::format("status {}: the server redirects, and redirects are not followed", reply.status);
            e.got = one_line(options_.key.redact(reply.location), 120);
            e.wanted = "a URL that answers by itself";
        } else if (reply.status == 404)
            e.wanted = "a URL with the OpenAI interface (.../v1/chat/completions) and a model that it has";
        return tl::unexpected<error>(cleaned(std::move(e)));
    }

    /// The error without the key.
    [[nodiscard]] error cleaned(error e) const {
        for (std::string* const text : {&e.what, &e.where, &e.got, &e.wanted})
            *text = options_.key.redact(std::move(*text));
        return e;
    }

private:
    /// Hears a reply as it comes and reads it where it is a stream of events.
    class listener {
    public:
        explicit listener(const openai_options& options) : options_(options) {}

        [[nodiscard]] bool take(const http_reply& head, std::string_view piece) {
            if (head.status != 200) return true;
            if (!is_stream_) {
                // Some relays send events under another type; no other body begins so.
                const std::size_t first = head.body.find_first_not_of(" \t\r\n");
                if (first == std::string::npos) return true;
                is_stream_ = head.content_type.starts_with("text/event-stream") ||
                             std::string_view("{[<\"").find(head.body[first]) == std::string_view::npos;
                piece = head.body;
            }
            if (!*is_stream_) return true;
            parser_.feed(piece, [this](const sse_event& e) { read(e); });
            return !reader_.is_done();
        }

        /// What a stream makes of the outcome: one that says its end is whole even where the connection is not.
        void judge(http_outcome& out) {
            if (!is_stream_.value_or(false)) return;
            parser_.finish([this](const sse_event& e) { read(e); });
            if (reader_.is_complete()) out.trouble = http_trouble::none;
            if (out.trouble == http_trouble::none && !reader_.is_complete() && reader_.has_events()) {
                out.trouble = http_trouble::broken;
                out.explanation = fmt::format("the stream ended in the middle, after {} tokens", reader_.tokens());
            }
        }

        [[nodiscard]] std::optional<stream_reader> stream() && {
            if (!is_stream_.value_or(false)) return std::nullopt;
            return std::move(reader_);
        }

    private:
        void read(const sse_event& e) {
            if (reader_.is_done()) return;
            const std::int64_t before = reader_.tokens();
            reader_.read({e.name, options_.key.redact_secret(e.data)});
            if (!options_.on_tokens || reader_.tokens() == before) return;
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
            options_.on_tokens({reader_.tokens(), seconds, reader_.text()});
        }

        const openai_options& options_;
        std::optional<bool> is_stream_;
        sse_parser parser_;
        stream_reader reader_;
        std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    };

    [[nodiscard]] static std::string after(const backoff& waits) {
        if (waits.attempts() == 1) return {};
        return fmt::format(", after {} requests in {:.1f} s", waits.attempts(),
                           std::chrono::duration<double>(waits.waited()).count());
    }

    [[nodiscard]] tl::unexpected<error> transport_error(const http_outcome& out, const backoff& waits) const {
        const errc code = out.trouble == http_trouble::timeout ? errc::timeout
                          : out.trouble == http_trouble::too_long || out.trouble == http_trouble::broken
                              ? errc::server
                              : errc::unreachable;
        return tl::unexpected<error>(cleaned(error{code, out.explanation + after(waits), url_.text()}));
    }

    [[nodiscard]] bool unwanted() const { return options_.unwanted && options_.unwanted(); }

    /// False where the call is not wanted any more.
    [[nodiscard]] bool wait(std::chrono::milliseconds delay, const std::string& reason, int attempt) const {
        const auto end = std::chrono::steady_clock::now() + delay;
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            if (left.count() <= 0) return true;
            if (unwanted()) return false;
            if (options_.on_wait) options_.on_wait({reason, attempt, left});
            std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds{200}));
        }
    }

    openai_options options_;
    server_url url_;
    std::optional<http_proxy> proxy_;
};

}  // namespace llmnas::openai
