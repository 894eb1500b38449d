// SPDX-License-Identifier: MIT
/// \file
/// A language model behind any server with the OpenAI chat-completions interface: llama.cpp, Ollama, vLLM, hosted.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/llm/dialect.hpp>
#include <llmnas/llm/http.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/openai_options.hpp>
#include <llmnas/llm/openai_reply.hpp>
#include <llmnas/llm/openai_transport.hpp>
#include <llmnas/llm/proxy.hpp>
#include <llmnas/llm/retry.hpp>
#include <llmnas/llm/server_url.hpp>

namespace llmnas {

/// LanguageModel over HTTP. A schema is sent in the form that the server honours: found out once by a probe, and again
/// where the server refuses a form. Members of the body that it refuses by name are left out from then on. 429, 502,
/// 503, a refused or broken connection are tried again with backoff, other errors are not. One object per thread.
class openai_backend {
public:
    /// Checks the options; connects nowhere. Errors (errc::bad_input): malformed URL or proxy; (errc::unavailable):
    /// https without TLS support.
    [[nodiscard]] static result<openai_backend> open(openai_options options) {
        auto url = parse_server_url(options.url);
        if (!url) return tl::unexpected<error>(std::move(url).error());
        if (url->tls && !http_has_tls)
            return fail(errc::unavailable, "cpp-httplib was built without TLS", "URL of the language model",
                        url->text(), "http://");
        auto proxy = proxy_for(*url, options.proxies);
        if (!proxy) return tl::unexpected<error>(std::move(proxy).error());
        return openai_backend(openai::transport(std::move(options), *std::move(url), *std::move(proxy)));
    }

    /// One completion, with retries. Errors: unreachable, timeout, server, context_overflow, interrupted; none holds
    /// the key.
    [[nodiscard]] result<completion> complete(const completion_request& request) {
        const auto begin = std::chrono::steady_clock::now();
        if (auto named = name_model(); !named) return tl::unexpected<error>(std::move(named).error());
        if (options().probe && !probed_ && (request.json_schema || request.grammar))
            if (auto found = find_form(request.sampling); !found) return tl::unexpected<error>(found.error());
        auto answer = converse(request);
        if (!answer) return tl::unexpected<error>(transport_.cleaned(std::move(answer).error()));
        answer->text = options().key.redact_secret(std::move(answer->text));
        answer->model = options().key.redact(std::move(answer->model));
        answer->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        answer->left_out = openai::left_out(request, dialect_);
        if (const schema_form f = dialect_.form_for(request); f != schema_form::none)
            answer->schema_sent_as = name_of(f);
        return answer;
    }

    /// The models that the server offers (GET /v1/models), with retries.
    [[nodiscard]] result<std::vector<served_model>> list_models() const {
        auto got = transport_.ask("GET", "/v1/models");
        if (!got) return tl::unexpected<error>(std::move(got).error());
        if (got->reply.status != 200) return transport_.refusal(got->reply);
        auto models = openai::read_models(got->reply.body, url().text());
        if (!models) return tl::unexpected<error>(transport_.cleaned(std::move(models).error()));
        return models;
    }

    /// Tokens that prompt and answer may have together, as the server says: in its list of models, in llama.cpp's
    /// GET /props or in Ollama's GET /api/ps (of a model that is loaded). Asked once, with at most three requests;
    /// nothing where the server does not say.
    [[nodiscard]] std::optional<std::int32_t> context_length() {
        if (context_asked_ || !name_model()) return context_;
        context_asked_ = true;
        if (const auto models = list_models())
            for (const served_model& m : *models)
                if (m.name == model_) context_ = m.context;
        const auto ask = [&](const char* path, auto read) {
            if (context_) return;
            if (const auto got = transport_.ask("GET", path); got && got->reply.status == 200)
                context_ = read(got->reply.body);
        };
        ask("/props", openai::read_llama_props);
        ask("/api/ps", [this](const std::string& body) { return openai::read_ollama_ps(body, model_); });
        return context_;
    }

    /// Finds out which form of a schema the server honours, by a question that no model answers as wanted by itself: at
    /// most seven short requests; `none` where it honours no form. complete() does it before the first request with a
    /// schema.
    [[nodiscard]] result<schema_form> find_form(const sampling_options& sampling = {}) {
        if (auto named = name_model(); !named) return tl::unexpected<error>(std::move(named).error());
        const completion_request probe = openai::probe_request(sampling);
        openai::dialect d = dialect_;
        std::optional<schema_form> unclear;
        bool known = false;
        while (d.form != schema_form::none) {
            auto verdict = try_form(probe, d);
            if (!verdict) return tl::unexpected<error>(std::move(verdict).error());
            known = known || *verdict != openai::probe_verdict::failed;
            if (*verdict == openai::probe_verdict::honoured) break;
            if (*verdict == openai::probe_verdict::unclear && !unclear) unclear = d.form;
            d.useless.insert(d.form);
            d.form = d.form_for(probe);
        }
        if (d.form == schema_form::none && unclear) {
            d.useless.erase(*unclear);
            d.form = *unclear;
        }
        if (known) {  // else the request itself tells what is wrong
            probed_ = true;
            adopt(std::move(d));
        }
        return dialect_.form;
    }

    /// `MODEL at URL`.
    [[nodiscard]] std::string name() const {
        return fmt::format("{} at {}", model_.empty() ? "first model" : one_line(options().key.redact(model_), 100),
                           url().text());
    }

    /// What the server has been found to accept so far.
    [[nodiscard]] const openai::dialect& dialect() const noexcept { return dialect_; }

private:
    explicit openai_backend(openai::transport t) : transport_(std::move(t)), model_(options().model) {
        dialect_.form = options().form;
    }

    [[nodiscard]] const openai_options& options() const noexcept { return transport_.options(); }
    [[nodiscard]] const server_url& url() const noexcept { return transport_.url(); }

    [[nodiscard]] result<void> name_model() {
        if (!model_.empty()) return {};
        auto models = list_models();
        if (!models) return tl::unexpected<error>(std::move(models).error());
        if (models->empty())
            return fail(errc::server, "the server has no model", url().text(), "an empty list", "--llm-model NAME");
        model_ = models->front().name;
        return {};
    }

    [[nodiscard]] result<openai::exchange> post(const completion_request& request, const openai::dialect& d,
                                                bool stream) const {
        return transport_.ask("POST", "/v1/chat/completions", openai::request_body(request, model_, d, stream));
    }

    /// The completion in a reply of status 200. A text of another kind is no stream, whatever it is called.
    [[nodiscard]] result<completion> answer_in(openai::exchange& got) const {
        return got.stream && got.stream->has_events() ? got.stream->take(url().text())
                                                      : openai::read_completion(got.reply.body, url().text());
    }

    /// Asks until the server takes the dialect. What it refused on the way counts only where it answers in the end.
    [[nodiscard]] result<completion> converse(const completion_request& request) {
        openai::dialect d = dialect_;
        for (;;) {
            const bool streamed = options().stream && !d.refused.contains("stream");
            auto got = post(request, d, streamed);
            if (!got) return tl::unexpected<error>(std::move(got).error());
            if (got->reply.status != 200) {
                auto next = openai::next_dialect(d, request, streamed, got->reply.status,
                                                 openai::complaint_of(got->reply.body));
                if (!next) return transport_.refusal(got->reply);
                d = *std::move(next);
            } else if (streamed && (got->stream ? !got->stream->has_events() : got->reply.body.empty())) {
                d.refused.emplace("stream");  // an empty stream: the server cannot
            } else {
                adopt(std::move(d));
                return answer_in(*got);
            }
        }
    }

    /// What the probe shows of the dialect's form. Members that the server refuses on the way are left out of `d`.
    /// Errors are those that no other form would change.
    [[nodiscard]] result<openai::probe_verdict> try_form(const completion_request& probe, openai::dialect& d) const {
        for (;;) {
            auto got = post(probe, d, false);
            if (!got) return tl::unexpected<error>(std::move(got).error());
            if (got->reply.status == 200) {
                const auto answer = answer_in(*got);
                return answer ? openai::judge_probe(*answer) : openai::probe_verdict::unclear;
            }
            const int status = got->reply.status;
            if (status != 400 && status != 413 && status != 422 && status != 500 && status != 501)
                return transport_.refusal(got->reply);
            auto next = openai::next_dialect(d, probe, false, status, openai::complaint_of(got->reply.body));
            if (!next) return openai::probe_verdict::failed;
            if (next->useless != d.useless) return openai::probe_verdict::refused;
            d = *std::move(next);
        }
    }

    /// From now on the server is spoken to so; what is new is said.
    void adopt(openai::dialect d) {
        if (options().on_notice) {
            for (const std::string& name : d.refused)
                if (!dialect_.refused.contains(name))
                    options().on_notice(fmt::format("{} refuses {}: left out from now on", url().text(), name));
            if (d.in_object && !dialect_.in_object)
                options().on_notice(fmt::format("{} takes no schema of an array: sent in an object", url().text()));
            if (d.form != dialect_.form)
                options().on_notice(fmt::format("{} takes the JSON Schema as {}", url().text(), name_of(d.form)));
        }
        dialect_ = std::move(d);
    }

    openai::transport transport_;
    std::string model_;
    openai::dialect dialect_;
    bool probed_ = false;
    bool context_asked_ = false;
    std::optional<std::int32_t> context_;
};

static_assert(ContextualModel<openai_backend>);

/// URL of a server on this machine, at the ports of llama.cpp (8080), Ollama (11434) and vLLM (8000), if one lists at
/// least one model. At most 0.3 s a port.
[[nodiscard]] inline std::optional<std::string> find_local_server() {
    for (const int port : {8080, 11434, 8000}) {
        openai_options o;
        o.url = fmt::format("http://127.0.0.1:{}", port);
        constexpr std::chrono::milliseconds soon{300};
        o.timeouts = {soon, soon, soon, soon};
        o.retry = retry_policy::never();
        auto server = openai_backend::open(o);
        if (!server) continue;
        if (const auto models = server->list_models(); models && !models->empty()) return o.url;
    }
    return std::nullopt;
}

}  // namespace llmnas
