// SPDX-License-Identifier: MIT
/// \file
/// Requests and replies of the OpenAI chat-completions interface as its servers really speak it (llama.cpp, Ollama,
/// vLLM, hosted ones). Text in, text out: no network here.
#pragma once

#include <cctype>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/language_model.hpp>
#include <nlohmann/json.hpp>

namespace llmnas {

/// How a JSON Schema is sent. Servers differ in which form they honour; all may ignore it.
enum class schema_form : std::uint8_t {
    json_schema,  ///< {"type":"json_schema","json_schema":{"name":...,"schema":...}}
    json_object,  ///< {"type":"json_object","schema":...}: older llama.cpp servers
    none,         ///< not sent
};

[[nodiscard]] constexpr std::string_view name_of(schema_form f) noexcept {
    constexpr std::string_view names[] = {"json_schema", "json_object", "none"};
    return names[static_cast<std::size_t>(f)];
}

namespace openai {

/// What a server has been found to refuse: later requests leave it out.
struct dialect {
    schema_form form = schema_form::json_schema;
    std::set<std::string> refused;  ///< sampling parameters
    friend bool operator==(const dialect&, const dialect&) = default;
};

/// Sampling parameters that a server may refuse by name; hosted services do so with min_p and top_k.
inline constexpr std::string_view optional_parameters[] = {"min_p", "top_k", "top_p", "seed"};

/// Body of POST /v1/chat/completions. Text that is not valid UTF-8 is made so.
[[nodiscard]] inline std::string request_body(const completion_request& request, const std::string& model,
                                              const dialect& d) {
    nlohmann::ordered_json body{{"model", model}, {"stream", false}};
    body["messages"] = nlohmann::ordered_json::array();
    for (const chat_message& m : request.messages)
        body["messages"].push_back({{"role", std::string(name_of(m.role))}, {"content", m.content}});
    const sampling_options& s = request.sampling;
    body["temperature"] = s.temperature;
    body["max_tokens"] = s.max_tokens;
    body["min_p"] = s.min_p;
    body["top_k"] = s.top_k;
    body["top_p"] = s.top_p;
    if (s.seed) body["seed"] = *s.seed;
    for (const std::string& name : d.refused) body.erase(name);
    if (request.json_schema && d.form == schema_form::json_schema)
        body["response_format"] = {{"type", "json_schema"},
                                   {"json_schema", {{"name", "proposal"}, {"schema", *request.json_schema}}}};
    else if (request.json_schema && d.form == schema_form::json_object)
        body["response_format"] = {{"type", "json_object"}, {"schema", *request.json_schema}};
    return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// A body parsed without exceptions; stray bytes that are not UTF-8 (half a character at a cut) are replaced first.
[[nodiscard]] inline nlohmann::json parse_body(std::string_view body) {
    const std::string text = valid_utf8(body);
    // nlohmann's parser keeps no call stack, but dump() does: values nested deeper than this are dropped.
    const auto depth_guard = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth < 64; };
    return nlohmann::json::parse(text, depth_guard, false);
}

/// What a server says is wrong.
struct complaint {
    std::string message;  ///< one line
    std::string kind;     ///< type and code, where given
};

/// The complaint in a JSON body: {"error":{...}}, {"error":"text"}, members at the top level, or {"detail":...}.
[[nodiscard]] inline std::optional<complaint> complaint_in(const nlohmann::json& body) {
    if (!body.is_object()) return std::nullopt;
    const auto text_of = [](const nlohmann::json& j) {
        if (j.is_string()) return one_line(j.get_ref<const std::string&>());
        return j.is_null() ? std::string{} : one_line(j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    };
    const auto read = [&](const nlohmann::json& from) {
        complaint c;
        if (from.contains("message")) c.message = text_of(from["message"]);
        for (const char* const name : {"type", "code"})
            if (from.contains(name) && !from[name].is_null())
                c.kind += (c.kind.empty() ? "" : ", ") + text_of(from[name]);
        return c;
    };
    if (const auto it = body.find("error"); it != body.end() && !it->is_null()) {
        if (!it->is_object()) return complaint{text_of(*it), {}};
        complaint c = read(*it);
        if (c.message.empty()) c.message = text_of(*it);
        return c;
    }
    if (body.contains("choices")) return std::nullopt;
    if (body.contains("message") && (body.contains("code") || body.contains("type") || body.contains("object")))
        return read(body);
    if (body.contains("detail")) return complaint{text_of(body["detail"]), {}};
    return std::nullopt;
}

/// The complaint in any body: JSON as above, the text of an HTML page, or the first words of whatever it is.
[[nodiscard]] inline complaint complaint_of(std::string_view body) {
    const nlohmann::json j = parse_body(body);
    if (!j.is_discarded())
        if (auto c = complaint_in(j)) return *std::move(c);
    std::string text;
    if (body.find('<') == std::string_view::npos || body.find('>') == std::string_view::npos) {
        text = body.substr(0, 2000);
    } else {
        bool tag = false;
        for (const char c : body.substr(0, 20'000)) {
            if (c == '<') {
                tag = true;
                text += ' ';
            } else if (c == '>') {
                tag = false;
            } else if (!tag) {
                text += c;
            }
        }
    }
    text = one_line(text, 200);
    return {text.empty() ? "no explanation" : text, {}};
}

/// The dialect to try next after a refusal that names what this one sends; nothing where it names nothing.
[[nodiscard]] inline std::optional<dialect> next_dialect(const dialect& d, bool sent_schema, int status,
                                                         const complaint& c) {
    if (status != 400 && status != 422 && status != 500 && status != 501) return std::nullopt;
    const auto names = [&](std::string_view word) {
        for (std::size_t at = c.message.find(word); at != std::string::npos; at = c.message.find(word, at + 1)) {
            const auto inner = [&](std::size_t i) {
                return i < c.message.size() &&
                       (std::isalnum(static_cast<unsigned char>(c.message[i])) != 0 || c.message[i] == '_');
            };
            if (!(at > 0 && inner(at - 1)) && !inner(at + word.size())) return true;
        }
        return false;
    };
    dialect next = d;
    if (sent_schema && d.form != schema_form::none)
        for (const std::string_view word : {"response_format", "json_schema", "json_object", "schema", "grammar"})
            if (names(word)) {
                next.form = d.form == schema_form::json_schema ? schema_form::json_object : schema_form::none;
                return next;
            }
    for (const std::string_view word : optional_parameters)
        if (names(word) && next.refused.emplace(word).second) return next;
    return std::nullopt;
}

/// The completion in the body of a 200. Errors (errc::server): no JSON, an error under 200, no answer in it.
[[nodiscard]] inline result<completion> read_completion(std::string_view body, const std::string& where) {
    const nlohmann::json j = parse_body(body);
    const auto reject = [&](std::string what) {
        return fail(errc::server, std::move(what), where, one_line(body, 120), "a chat completion");
    };
    if (j.is_discarded() || !j.is_object()) return reject("the reply is no JSON object");
    if (const auto c = complaint_in(j))
        return fail(errc::server, fmt::format("error under status 200: {}", c->message), where, c->kind);
    if (!j.contains("choices") || !j["choices"].is_array() || j["choices"].empty() || !j["choices"][0].is_object())
        return reject("no choices in the reply");
    const nlohmann::json& choice = j["choices"][0];
    const auto string_in = [](const nlohmann::json& from, const char* name) {
        const auto it = from.find(name);
        return it != from.end() && it->is_string() ? it->get<std::string>() : std::string{};
    };
    completion answer;
    answer.model = string_in(j, "model");
    answer.finish_reason = string_in(choice, "finish_reason");
    const nlohmann::json message = choice.contains("message") ? choice["message"] : nlohmann::json{};
    if (!message.is_object()) return reject("no message in the reply");
    const nlohmann::json content = message.contains("content") ? message["content"] : nlohmann::json{};
    if (content.is_string()) {
        answer.text = content.get<std::string>();
    } else if (content.is_array()) {
        for (const auto& part : content)
            if (part.is_object()) answer.text += string_in(part, "text");
    } else if (const std::string refusal = string_in(message, "refusal"); !refusal.empty()) {
        return reject("the model refuses: " + one_line(refusal, 200));
    } else if (content.is_null() && answer.finish_reason == "length") {
        return reject("no token of the answer was left after the model's reasoning");
    } else {
        return reject("no text in the reply");
    }
    if (const auto it = j.find("usage"); it != j.end() && it->is_object()) {
        const auto count = [&](const char* name) {
            const auto n = it->find(name);
            return n != it->end() && n->is_number_integer() ? n->get<std::int64_t>() : std::int64_t{-1};
        };
        const token_usage u{count("prompt_tokens"), count("completion_tokens")};
        if (u.prompt >= 0 && u.completion >= 0) answer.usage = u;
    }
    return answer;
}

/// Names of the models in the body of GET /v1/models: {"data":[{"id":...}]}.
[[nodiscard]] inline result<std::vector<std::string>> read_models(std::string_view body, const std::string& where) {
    const nlohmann::json j = parse_body(body);
    if (j.is_discarded() || !j.is_object() || !j.contains("data") || !j["data"].is_array()) {
        if (const auto c = j.is_discarded() ? std::nullopt : complaint_in(j))
            return fail(errc::server, fmt::format("error under status 200: {}", c->message), where, c->kind);
        return fail(errc::server, "no list of models", where, one_line(body, 120), "JSON with \"data\"");
    }
    std::vector<std::string> names;
    for (const auto& m : j["data"])
        if (m.is_object() && m.contains("id") && m["id"].is_string()) names.push_back(m["id"].get<std::string>());
    return names;
}

}  // namespace openai
}  // namespace llmnas
