// SPDX-License-Identifier: MIT
/// \file
/// The forms in which servers take a JSON Schema. Each server honours one or two of them, refuses some and ignores the
/// rest without a word.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <llmnas/json/schema.hpp>
#include <llmnas/llm/language_model.hpp>
#include <nlohmann/json.hpp>

namespace llmnas {

/// In the order in which they are tried.
enum class schema_form : std::uint8_t {
    json_schema,   ///< response_format {"type":"json_schema","json_schema":{...}}: most servers
    json_object,   ///< response_format {"type":"json_object","schema":...}: llama.cpp of 2025, Together, Fireworks
    schema_field,  ///< json_schema at the top level: llama.cpp
    grammar,       ///< GBNF in grammar: llama.cpp; only where the request holds a grammar
    format,        ///< format at the top level: Ollama
    structured_outputs,  ///< {"json":...}: vLLM since 0.11
    guided_json,         ///< vLLM before
    none,                ///< not sent: the prompt alone asks for JSON
};

[[nodiscard]] constexpr std::string_view name_of(schema_form f) noexcept {
    constexpr std::string_view names[] = {"json_schema", "json_object",        "schema_field", "grammar",
                                          "format",      "structured_outputs", "guided_json",  "none"};
    return names[static_cast<std::size_t>(f)];
}

inline constexpr std::array all_schema_forms = {
    schema_form::json_schema, schema_form::json_object,        schema_form::schema_field, schema_form::grammar,
    schema_form::format,      schema_form::structured_outputs, schema_form::guided_json};

namespace openai {

/// Whether a request can be sent in a form: a schema by any but `grammar`, which needs its own text.
[[nodiscard]] inline bool can_send(const completion_request& request, schema_form f) {
    if (f == schema_form::none) return true;
    return f == schema_form::grammar ? request.grammar.has_value() : request.json_schema.has_value();
}

/// Whether the schema of a request describes something else than an object.
[[nodiscard]] inline bool has_other_root(const completion_request& request) {
    return request.json_schema && request.json_schema->value("type", "") != "object";
}

/// Puts the wish of a request that can_send() into the body; with `in_object` a schema of another root as the member of
/// an object.
inline void put_schema(nlohmann::ordered_json& body, const completion_request& request, schema_form f, bool in_object) {
    const auto schema = [&] {
        return in_object && has_other_root(request) ? schema_in_object(*request.json_schema) : *request.json_schema;
    };
    switch (f) {
        case schema_form::json_schema:
            body["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "proposal"}}}};
            body["response_format"]["json_schema"]["schema"] = schema();  // a list would copy it twice
            return;
        case schema_form::json_object:
            body["response_format"] = {{"type", "json_object"}};
            body["response_format"]["schema"] = schema();
            return;
        case schema_form::schema_field:
            body["json_schema"] = schema();
            return;
        case schema_form::grammar:
            body["grammar"] = *request.grammar;
            return;
        case schema_form::format:
            body["format"] = schema();
            return;
        case schema_form::structured_outputs:
            body["structured_outputs"]["json"] = schema();
            return;
        case schema_form::guided_json:
            body["guided_json"] = schema();
            return;
        case schema_form::none:
            return;
    }
}

/// Words by which a refusal names the form of a schema. `format` alone is too common a word; only Ollama's form is it.
inline constexpr std::string_view schema_words[] = {"response_format", "json_schema",        "json_object", "schema",
                                                    "grammar",         "structured_outputs", "guided_json"};

/// A question whose answer no model gives unless the schema makes it: it tells servers that honour a form from those
/// that ignore it.
[[nodiscard]] inline completion_request probe_request(const sampling_options& sampling) {
    completion_request probe;
    probe.messages = {{chat_role::user, "Write one short sentence about the sea."}};
    probe.json_schema =
        nlohmann::ordered_json{{"type", "object"},
                               {"properties", {{"probe", {{"type", "string"}, {"enum", {"kelp-7f3a"}}}}}},
                               {"required", {"probe"}},
                               {"additionalProperties", false}};
    probe.grammar = R"(root ::= "{\"probe\":\"kelp-7f3a\"}")";
    probe.sampling = sampling;
    probe.sampling.max_tokens = 64;
    return probe;
}

enum class probe_verdict : std::uint8_t {
    honoured,
    ignored,
    unclear,  ///< an answer that shows nothing
    refused,  ///< an error that names the form
    failed,   ///< another error
};

/// What the answer to probe_request() shows. A cut answer may hold the beginning only; no text at all shows nothing.
[[nodiscard]] inline probe_verdict judge_probe(const completion& answer) {
    constexpr std::string_view wanted = R"({"probe":"kelp-7f3a"})";
    std::string text;
    for (const char c : answer.text)
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') text += c;
    if (text.empty()) return probe_verdict::unclear;
    const bool cut = answer.finish_reason == "length";
    return text == wanted || (cut && wanted.starts_with(text)) ? probe_verdict::honoured : probe_verdict::ignored;
}

}  // namespace openai
}  // namespace llmnas
