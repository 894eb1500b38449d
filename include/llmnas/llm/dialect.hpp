// SPDX-License-Identifier: MIT
/// \file
/// Requests of the OpenAI chat-completions interface, in the dialect that a server has been found to take.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/llm/complaint.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/schema_form.hpp>
#include <nlohmann/json.hpp>

namespace llmnas::openai {

/// What a server has been found to refuse or ignore: later requests leave it out.
struct dialect {
    schema_form form = schema_form::json_schema;
    std::set<schema_form> useless;    ///< forms that it refuses or ignores
    std::set<std::string> refused;    ///< members of the body, of optional_members
    bool in_object = false;           ///< schemas of arrays are sent as the member of an object
    bool top_k_of_minus_one = false;  ///< switches top_k off, as in vLLM before 0.9; 0 elsewhere
    friend bool operator==(const dialect&, const dialect&) = default;

    /// The form for a request: `form`, or the first usable one where the request cannot be sent in it.
    [[nodiscard]] schema_form form_for(const completion_request& request) const {
        if (form == schema_form::none || (can_send(request, form) && !useless.contains(form))) return form;
        for (const schema_form f : all_schema_forms)
            if (can_send(request, f) && !useless.contains(f)) return f;
        return schema_form::none;
    }
};

/// Sampling parameters that a server may refuse by name; hosted services do so with min_p and top_k.
inline constexpr std::string_view optional_parameters[] = {"min_p", "top_k", "top_p", "seed", "temperature"};

/// All members that can be left out. Where max_tokens is refused, max_completion_tokens takes its place.
inline constexpr std::string_view optional_members[] = {"stream_options", "stream",     "min_p",
                                                        "top_k",          "top_p",      "seed",
                                                        "temperature",    "max_tokens", "max_completion_tokens"};

/// Body of POST /v1/chat/completions. Text that is not valid UTF-8 is made so.
[[nodiscard]] inline std::string request_body(const completion_request& request, const std::string& model,
                                              const dialect& d, bool stream = false) {
    nlohmann::ordered_json body{{"model", model}};
    stream = stream && !d.refused.contains("stream");
    body["stream"] = stream;
    if (stream) body["stream_options"]["include_usage"] = true;
    auto& messages = body["messages"] = nlohmann::ordered_json::array();
    for (const chat_message& m : request.messages)
        messages.emplace_back(nlohmann::ordered_json{{"role", name_of(m.role)}})["content"] = m.content;
    const sampling_options& s = request.sampling;
    body["temperature"] = s.temperature;
    body[d.refused.contains("max_tokens") ? "max_completion_tokens" : "max_tokens"] = s.max_tokens;
    body["min_p"] = s.min_p;
    body["top_k"] = s.top_k == 0 && d.top_k_of_minus_one ? -1 : s.top_k;
    body["top_p"] = s.top_p;
    if (s.seed) body["seed"] = *s.seed;
    for (const std::string& name : d.refused) body.erase(name);
    put_schema(body, request, d.form_for(request), d.in_object);
    return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// Sampling parameters of a request that the dialect leaves out.
[[nodiscard]] inline std::vector<std::string> left_out(const completion_request& request, const dialect& d) {
    std::vector<std::string> names;
    for (const std::string_view name : optional_parameters)
        if (d.refused.contains(std::string(name)) && (name != "seed" || request.sampling.seed))
            names.emplace_back(name);
    if (d.refused.contains("max_tokens") && d.refused.contains("max_completion_tokens"))
        names.emplace_back("max_tokens");
    return names;
}

/// Whether a text holds a word, not as a part of another.
[[nodiscard]] inline bool holds_word(std::string_view text, std::string_view word) {
    const auto inner = [&](std::size_t i) {
        return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
    };
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if (!(at > 0 && inner(at - 1)) && !inner(at + word.size())) return true;
    return false;
}

/// The dialect to try next after a refusal that names what this one sends; nothing where it names nothing.
[[nodiscard]] inline std::optional<dialect> next_dialect(const dialect& d, const completion_request& request,
                                                         bool streamed, int status, const complaint& c) {
    if (status != 400 && status != 413 && status != 422 && status != 500 && status != 501) return std::nullopt;
    dialect next = d;
    if (c.is_context_overflow()) {
        // The prompt fits, what was asked for behind it does not: the server's own limit then stands for ours.
        if (!c.prompt_fits() || !next.refused.emplace("max_tokens").second) return std::nullopt;
        next.refused.emplace("max_completion_tokens");
        return next;
    }
    const auto names = [&](std::string_view word) { return holds_word(c.message, word) || holds_word(c.kind, word); };
    if (streamed)
        for (const std::string_view word : {"stream_options", "stream", "streaming"})
            if (names(word)) {
                next.refused.emplace(word == "streaming" ? "stream" : word);
                return next;
            }
    if (const schema_form sent = d.form_for(request); sent != schema_form::none) {
        // OpenAI: "schema must be a JSON Schema of 'type: "object"', got 'type: "array"'".
        if (sent != schema_form::grammar && has_other_root(request) && !d.in_object && names("schema") &&
            names("object")) {
            next.in_object = true;
            return next;
        }
        if (std::any_of(std::begin(schema_words), std::end(schema_words), names) ||
            (sent == schema_form::format && names("format"))) {
            next.useless.insert(sent);
            next.form = next.form_for(request);
            return next;
        }
    }
    // vLLM before 0.9: "top_k must be -1 (disable), or at least 1, got 0.".
    if (request.sampling.top_k == 0 && !d.top_k_of_minus_one && names("top_k") &&
        c.message.find("-1") != std::string::npos) {
        next.top_k_of_minus_one = true;
        return next;
    }
    for (const std::string_view word : optional_members)
        if (!word.starts_with("stream") && names(word) && next.refused.emplace(word).second) return next;
    return std::nullopt;
}

}  // namespace llmnas::openai
