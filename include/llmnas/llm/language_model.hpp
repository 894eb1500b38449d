// SPDX-License-Identifier: MIT
/// \file
/// What a search asks of a language model: a chat completion, as a value or as an error value.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/core/result.hpp>
#include <nlohmann/json.hpp>

namespace llmnas {

/// Who speaks in a chat.
enum class chat_role : std::uint8_t { system, user, assistant };

[[nodiscard]] constexpr std::string_view name_of(chat_role r) noexcept {
    constexpr std::string_view names[] = {"system", "user", "assistant"};
    return names[static_cast<std::size_t>(r)];
}

/// One message of a chat, UTF-8.
struct chat_message {
    chat_role role = chat_role::user;
    std::string content;
    friend bool operator==(const chat_message&, const chat_message&) = default;
};

/// How the next token is drawn. The defaults are the paper's; top_k 0 and top_p 1 switch off what llama.cpp would
/// otherwise apply before min_p.
struct sampling_options {
    double temperature = 1.5;
    double min_p = 0.1;
    int top_k = 0;  ///< 0: all tokens
    double top_p = 1.0;
    int max_tokens = 2048;              ///< of the answer
    std::optional<std::uint32_t> seed;  ///< a request only: no seed makes a hosted model repeatable
    friend bool operator==(const sampling_options&, const sampling_options&) = default;
};

/// What a model is asked. A schema is a wish: servers may ignore it, so the caller validates every answer.
struct completion_request {
    std::vector<chat_message> messages;
    std::optional<nlohmann::ordered_json> json_schema;  ///< in order: constrained answers keep the order of members
    std::optional<std::string> grammar = {};            ///< the same wish as GBNF, for servers that know no schema
    sampling_options sampling;
};

/// Number of tokens as counted by the server.
struct token_usage {
    std::int64_t prompt = 0;
    std::int64_t completion = 0;
    friend bool operator==(const token_usage&, const token_usage&) = default;
};

/// What a model answered.
struct completion {
    std::string text;           ///< valid UTF-8
    std::string model;          ///< as named by the server; may be an echo of the request
    std::string finish_reason;  ///< "stop", "length" (cut) or the server's own word; empty where it says none
    std::optional<token_usage> usage;
    double seconds = 0;                      ///< from the request to the whole answer, with all retries
    std::vector<std::string> left_out = {};  ///< sampling parameters that the server refuses and was not sent
    std::string schema_sent_as = {};         ///< how the schema was sent; empty where none was
    friend bool operator==(const completion&, const completion&) = default;
};

/// A model that a server offers.
struct served_model {
    std::string name;
    std::optional<std::int32_t> context;  ///< tokens of prompt and answer; nothing where the server does not say
    friend bool operator==(const served_model&, const served_model&) = default;
};

/// A language model. `complete` reports expected failures (no server, time-out, error answer) as values; `name` says
/// in one line which model it is, for the journal and for messages, and holds no secret.
template <class M>
concept LanguageModel = requires(M& m, const M& c, const completion_request& request) {
    { m.complete(request) } -> std::same_as<result<completion>>;
    { c.name() } -> std::convertible_to<std::string>;
};

/// A language model that knows how many tokens prompt and answer may have together (asked of a server where need be);
/// nothing where that cannot be known.
template <class M>
concept ContextualModel = LanguageModel<M> && requires(M& m) {
    { m.context_length() } -> std::same_as<std::optional<std::int32_t>>;
};

/// The context length of any model.
template <LanguageModel M>
[[nodiscard]] std::optional<std::int32_t> context_length_of(M& model) {
    if constexpr (ContextualModel<M>) return model.context_length();
    return std::nullopt;
}

}  // namespace llmnas
