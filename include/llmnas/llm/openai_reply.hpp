// SPDX-License-Identifier: MIT
/// \file
/// Replies of the OpenAI interface as its servers really give them, whole or as a stream of events. Text in, values
/// out: no network here.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/complaint.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/sse.hpp>
#include <nlohmann/json.hpp>

namespace llmnas::openai {

namespace detail {

[[nodiscard]] inline std::string string_in(const nlohmann::json& from, const char* name) {
    const auto it = from.find(name);
    return it != from.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

/// `max_tokens` (relays of other interfaces) is "length" here.
[[nodiscard]] inline std::string finish_reason_in(const nlohmann::json& choice) {
    std::string reason = string_in(choice, "finish_reason");
    return reason == "max_tokens" ? "length" : reason;
}

/// A number of tokens that a context can have.
[[nodiscard]] inline std::optional<std::int32_t> tokens_in(const nlohmann::json& from, const char* name) {
    const auto it = from.find(name);
    if (it == from.end() || !it->is_number_integer()) return std::nullopt;
    const auto n = it->get<std::int64_t>();
    if (n < 1 || n > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    return static_cast<std::int32_t>(n);
}

[[nodiscard]] inline std::optional<token_usage> usage_in(const nlohmann::json& reply) {
    const auto it = reply.find("usage");
    if (it == reply.end() || !it->is_object()) return std::nullopt;
    const auto count = [&](const char* name) {
        const auto n = it->find(name);
        return n != it->end() && n->is_number_integer() ? n->get<std::int64_t>() : std::int64_t{-1};
    };
    const token_usage u{count("prompt_tokens"), count("completion_tokens")};
    if (u.prompt < 0 || u.completion < 0) return std::nullopt;
    return u;
}

/// Text of a message's or a delta's content: a string, or a list of parts.
[[nodiscard]] inline std::string content_in(const nlohmann::json& message) {
    std::string text = string_in(message, "content");
    if (const auto it = message.find("content"); it != message.end() && it->is_array())
        for (const auto& part : *it)
            if (part.is_object()) text += string_in(part, "text");
    return text;
}

[[nodiscard]] inline error no_text(const std::string& refusal, const std::string& finish_reason, bool reasoned,
                                   const std::string& where) {
    error e{errc::server, "no text in the reply", where, {}, "a chat completion"};
    if (!refusal.empty())
        e.what = "the model refuses: " + one_line(refusal, 200);
    else if (finish_reason == "content_filter")
        e.what = "the server's content filter took the answer";
    else if (finish_reason == "length")
        e.what = "no token of the answer was left after the model's reasoning";
    else if (reasoned)
        e.what = "the model reasoned and gave no answer";
    return e;
}

}  // namespace detail

/// The completion in the body of a 200. Errors: errc::server for no JSON, an error under 200, no answer in it;
/// errc::context_overflow.
[[nodiscard]] inline result<completion> read_completion(std::string_view body, const std::string& where) {
    const nlohmann::json j = parse_body(body);
    const auto reject = [&](std::string what) {
        return fail(errc::server, std::move(what), where, one_line(body, 120), "a chat completion");
    };
    if (j.is_discarded() || !j.is_object()) return reject("the reply is no JSON object");
    if (const auto c = complaint_in(j)) return tl::unexpected<error>(error_of(*c, "error under status 200", where));
    if (!j.contains("choices") || !j["choices"].is_array() || j["choices"].empty() || !j["choices"][0].is_object())
        return reject("no choices in the reply");
    const nlohmann::json& choice = j["choices"][0];
    completion answer;
    answer.model = detail::string_in(j, "model");
    answer.finish_reason = detail::finish_reason_in(choice);
    answer.usage = detail::usage_in(j);
    if (!choice.contains("message") || !choice["message"].is_object()) return reject("no message in the reply");
    const nlohmann::json& message = choice["message"];
    answer.text = detail::content_in(message);
    const bool has_content =
        message.contains("content") && (message["content"].is_string() || message["content"].is_array());
    if (!has_content)
        return tl::unexpected<error>(detail::no_text(detail::string_in(message, "refusal"), answer.finish_reason,
                                                     !detail::string_in(message, "reasoning_content").empty(), where));
    return answer;
}

/// The models in the body of GET /v1/models: {"data":[{"id":...}]}, with their context lengths where they are said:
/// `meta.n_ctx` (llama.cpp, as loaded), `max_model_len` (vLLM), `context_length` (OpenRouter, Together) or
/// `context_window` (Groq).
[[nodiscard]] inline result<std::vector<served_model>> read_models(std::string_view body, const std::string& where) {
    const nlohmann::json j = parse_body(body);
    if (j.is_discarded() || !j.is_object() || !j.contains("data") || !j["data"].is_array()) {
        if (const auto c = j.is_discarded() ? std::nullopt : complaint_in(j))
            return tl::unexpected<error>(error_of(*c, "error under status 200", where));
        return fail(errc::server, "no list of models", where, one_line(body, 120), "JSON with \"data\"");
    }
    std::vector<served_model> models;
    for (const auto& m : j["data"]) {
        if (!m.is_object() || !m.contains("id") || !m["id"].is_string()) continue;
        served_model& found = models.emplace_back(served_model{m["id"].get<std::string>(), {}});
        if (const auto meta = m.find("meta"); meta != m.end() && meta->is_object())
            found.context = detail::tokens_in(*meta, "n_ctx");
        for (const char* const name : {"max_model_len", "context_length", "context_window"})
            if (!found.context) found.context = detail::tokens_in(m, name);
    }
    return models;
}

/// The context length in the body of llama.cpp's GET /props, of builds that do not say it in the list of models.
[[nodiscard]] inline std::optional<std::int32_t> read_llama_props(std::string_view body) {
    const nlohmann::json j = parse_body(body);
    if (!j.is_object()) return std::nullopt;
    const auto settings = j.find("default_generation_settings");
    if (settings == j.end() || !settings->is_object()) return std::nullopt;
    return detail::tokens_in(*settings, "n_ctx");
}

/// The context length of a model in the body of Ollama's GET /api/ps, which lists the loaded ones.
[[nodiscard]] inline std::optional<std::int32_t> read_ollama_ps(std::string_view body, std::string_view model) {
    const nlohmann::json j = parse_body(body);
    if (!j.is_object() || !j.contains("models") || !j["models"].is_array()) return std::nullopt;
    for (const auto& m : j["models"])
        if (m.is_object() && (detail::string_in(m, "model") == model || detail::string_in(m, "name") == model))
            return detail::tokens_in(m, "context_length");
    return std::nullopt;
}

/// Puts a completion together from the events of a stream.
class stream_reader {
public:
    /// One event of the stream. Events that are no JSON are passed over.
    void read(const sse_event& event) {
        ++events_;
        if (event.data == "[DONE]") {
            done_ = true;
            return;
        }
        const nlohmann::json j = parse_body(event.data);
        if (event.name == "error") {
            const auto c =
                j.is_discarded() ? std::nullopt : complaint_in(j.contains("error") ? j : nlohmann::json{{"error", j}});
            return complain(c ? *c : complaint_of(event.data));
        }
        if (j.is_discarded() || !j.is_object()) return;
        if (const auto c = complaint_in(j)) return complain(*c);
        if (answer_.model.empty()) answer_.model = detail::string_in(j, "model");
        if (auto usage = detail::usage_in(j)) answer_.usage = usage;
        const auto choices = j.find("choices");
        if (choices == j.end() || !choices->is_array() || choices->empty() || !choices->front().is_object()) return;
        const nlohmann::json& choice = choices->front();
        if (std::string reason = detail::finish_reason_in(choice); !reason.empty())
            answer_.finish_reason = std::move(reason);
        const auto delta = choice.find(choice.contains("delta") ? "delta" : "message");
        if (delta == choice.end() || !delta->is_object()) return;
        const std::string text = detail::content_in(*delta);
        const bool thought = !detail::string_in(*delta, "reasoning_content").empty();
        if (!text.empty() || thought) ++pieces_;
        reasoned_ = reasoned_ || thought;
        answer_.text += text;
        refusal_ += detail::string_in(*delta, "refusal");
    }

    /// Tokens so far: as the server counts them, else the pieces of text that came (most servers send one a token).
    [[nodiscard]] std::int64_t tokens() const noexcept { return answer_.usage ? answer_.usage->completion : pieces_; }
    [[nodiscard]] const std::string& text() const noexcept { return answer_.text; }
    /// Whether anything came that is an event.
    [[nodiscard]] bool has_events() const noexcept { return events_ > 0; }
    /// The stream has come to its end by its own word: [DONE], an error, or a finish reason.
    [[nodiscard]] bool is_complete() const noexcept { return done_ || complaint_ || !answer_.finish_reason.empty(); }
    /// Nothing more is to come.
    [[nodiscard]] bool is_done() const noexcept { return done_; }

    /// The completion of a complete stream. Errors as of read_completion().
    [[nodiscard]] result<completion> take(const std::string& where) {
        if (complaint_)
            return tl::unexpected<error>(error_of(*complaint_, "error in the stream under status 200", where));
        if (answer_.text.empty() && (pieces_ > 0 || !refusal_.empty() || answer_.finish_reason == "content_filter"))
            return tl::unexpected<error>(detail::no_text(refusal_, answer_.finish_reason, reasoned_, where));
        answer_.text = valid_utf8(answer_.text);
        return std::move(answer_);
    }

private:
    void complain(complaint c) {
        if (!complaint_) complaint_ = std::move(c);
    }

    completion answer_;
    std::string refusal_;
    std::optional<complaint> complaint_;
    std::int64_t pieces_ = 0;
    std::int64_t events_ = 0;
    bool reasoned_ = false;
    bool done_ = false;
};

}  // namespace llmnas::openai
