// SPDX-License-Identifier: MIT
/// \file
/// A language model behind any server with the OpenAI chat-completions interface: llama.cpp, Ollama, vLLM, hosted.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/api_key.hpp>
#include <llmnas/llm/http.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/openai_protocol.hpp>
#include <llmnas/llm/retry.hpp>
#include <llmnas/llm/server_url.hpp>

namespace llmnas {

/// Said before and during a wait for a server, about five times a second.
struct wait_notice {
    std::string reason;                      ///< one line, no secret
    int attempt = 1;                         ///< requests made so far
    std::chrono::milliseconds remaining{0};  ///< until the next request
};

/// What openai_backend::open() takes.
struct openai_options {
    std::string url;    ///< http://HOST[:PORT][/v1] or https://...
    std::string model;  ///< empty: the first that the server lists
    api_key key;
    http_timeouts timeouts;
    retry_policy retry;
    std::size_t longest_reply = std::size_t{8} << 20U;  ///< bytes of a reply's body
    schema_form form = schema_form::json_schema;        ///< tried first
    /// Called during waits between requests; false ends the call with errc::interrupted.
    std::function<bool(const wait_notice&)> on_wait = {};
};

/// LanguageModel over HTTP. A schema is sent in the form that the server accepts (found out once: json_schema,
/// json_object, none); sampling parameters that it refuses by name are left out from then on. 429, 502, 503, a refused
/// or broken connection are tried again with backoff, other errors are not. One object per thread.
class openai_backend {
public:
    /// Checks the options; connects nowhere. Error (errc::bad_input): malformed URL, https without TLS support.
    [[nodiscard]] static result<openai_backend> open(openai_options options) {
        auto url = parse_server_url(options.url);
        if (!url) return tl::unexpected<error>(std::move(url).error());
        if (url->tls && !http_has_tls)
            return fail(errc::unavailable, "cpp-httplib was built without TLS", "URL of the language model",
                        url->text(), "http://");
        return openai_backend(std::move(options), *std::move(url));
    }

    /// One completion, with retries. Errors: unreachable, timeout, server, interrupted; none holds the key.
    [[nodiscard]] result<completion> complete(const completion_request& request) {
        const auto begin = std::chrono::steady_clock::now();
        if (model_.empty()) {
            auto models = list_models();
            if (!models) return tl::unexpected<error>(std::move(models).error());
            if (models->empty())
                return fail(errc::server, "the server has no model", url_.text(), "an empty list", "--llm-model NAME");
            model_ = models->front();
        }
        openai::dialect d = dialect_;
        for (;;) {
            auto reply = ask("POST", "/v1/chat/completions", openai::request_body(request, model_, d));
            if (!reply) return tl::unexpected<error>(std::move(reply).error());
            if (reply->status == 200) {
                auto answer = openai::read_completion(reply->body, url_.text());
                if (!answer) return tl::unexpected<error>(cleaned(std::move(answer).error()));
                dialect_ = std::move(d);
                if (options_.key.is_secret()) answer->text = options_.key.redact(std::move(answer->text));
                answer->model = options_.key.redact(std::move(answer->model));
                answer->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
                return answer;
            }
            const bool has_schema = request.json_schema.has_value();
            auto next = openai::next_dialect(d, has_schema, reply->status, openai::complaint_of(reply->body));
            if (!next) return refusal(*reply);
            d = *std::move(next);
        }
    }

    /// Names of the models that the server offers (GET /v1/models), with retries.
    [[nodiscard]] result<std::vector<std::string>> list_models() {
        auto reply = ask("GET", "/v1/models", {});
        if (!reply) return tl::unexpected<error>(std::move(reply).error());
        if (reply->status != 200) return refusal(*reply);
        auto names = openai::read_models(reply->body, url_.text());
        if (!names) return tl::unexpected<error>(cleaned(std::move(names).error()));
        return names;
    }

    /// `MODEL at URL`.
    [[nodiscard]] std::string name() const {
        return fmt::format("{} at {}", model_.empty() ? "first model" : one_line(options_.key.redact(model_), 100),
                           url_.text());
    }

    /// What the server has been found to accept so far.
    [[nodiscard]] const openai::dialect& dialect() const noexcept { return dialect_; }

private:
    openai_backend(openai_options options, server_url url)
        : options_(std::move(options)), url_(std::move(url)), model_(options_.model) {
        dialect_.form = options_.form;
    }

    [[nodiscard]] error cleaned(error e) const {
        for (std::string* const text : {&e.what, &e.where, &e.got, &e.wanted})
            *text = options_.key.redact(std::move(*text));
        return e;
    }

    [[nodiscard]] tl::unexpected<error> refusal(const http_reply& reply) const {
        const openai::complaint c = openai::complaint_of(reply.body);
        std::string wanted;
        if (reply.status == 401 || reply.status == 403)
            wanted = options_.key.empty() ? "an API key in $LLMNAS_LLM_API_KEY or a file" : "another API key";
        else if (reply.status >= 300 && reply.status < 400)
            wanted = "a URL that answers by itself; redirects are not followed";
        else if (reply.status == 404)
            wanted = "a URL with the OpenAI interface: .../v1/chat/completions";
        return tl::unexpected<error>(cleaned(error{errc::server, fmt::format("status {}: {}", reply.status, c.message),
                                                   url_.text(), c.kind, std::move(wanted)}));
    }

    /// One request with retries; a reply of any status that is not worth another try.
    [[nodiscard]] result<http_reply> ask(const std::string& method, const std::string& path, const std::string& body) {
        http_request request{.method = method, .path = url_.prefix + path, .body = body};
        if (!options_.key.empty()) request.authorization = options_.key.bearer();
        backoff waits(options_.retry,
                      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
        for (;;) {
            http_outcome out = http_exchange(url_, request, options_.timeouts, options_.longest_reply);
            // Before anything cuts the text: half of a key would not be found any more.
            out.reply.body = options_.key.redact(std::move(out.reply.body));
            std::string reason;
            std::optional<std::chrono::seconds> retry_after;
            if (out.trouble == http_trouble::none) {
                const int status = out.reply.status;
                if (status != 429 && status != 502 && status != 503) return std::move(out.reply);
                const openai::complaint c = openai::complaint_of(out.reply.body);
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

    [[nodiscard]] bool wait(std::chrono::milliseconds delay, const std::string& reason, int attempt) const {
        const auto end = std::chrono::steady_clock::now() + delay;
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            if (left.count() <= 0) return true;
            if (options_.on_wait && !options_.on_wait({reason, attempt, left})) return false;
            std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds{200}));
        }
    }

    openai_options options_;
    server_url url_;
    std::string model_;
    openai::dialect dialect_;
};

static_assert(LanguageModel<openai_backend>);

/// URL of a server on this machine, at the ports of llama.cpp (8080), Ollama (11434) and vLLM (8000), if one lists at
/// least one model. At most 0.3 s a port.
[[nodiscard]] inline std::optional<std::string> find_local_server() {
    for (const int port : {8080, 11434, 8000}) {
        openai_options o;
        o.url = fmt::format("http://127.0.0.1:{}", port);
        o.timeouts = {std::chrono::milliseconds{300}, std::chrono::milliseconds{300}, std::chrono::milliseconds{300}};
        o.retry = retry_policy::never();
        auto server = openai_backend::open(o);
        if (!server) continue;
        if (const auto models = server->list_models(); models && !models->empty()) return o.url;
    }
    return std::nullopt;
}

}  // namespace llmnas
