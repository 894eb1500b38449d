// SPDX-License-Identifier: MIT
/// \file
/// What a server says is wrong, in whatever form it says so. Text in, text out: no network here.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>
#include <nlohmann/json.hpp>

namespace llmnas::openai {

/// A body parsed without exceptions; stray bytes that are not UTF-8 (half a character at a cut) are replaced first.
/// nlohmann's parser keeps no call stack, but dump() does: values nested deeper than 64 are dropped.
[[nodiscard]] inline nlohmann::json parse_body(std::string_view body) {
    const bool ascii = std::none_of(body.begin(), body.end(), [](char c) { return (c & '\x80') != 0; });
    const std::string mended = ascii ? std::string() : valid_utf8(body);
    const std::string_view text = ascii ? body : std::string_view(mended);
    // The guard makes the parser three times slower: chunks of a stream, and most bodies, cannot nest so deep.
    constexpr int deepest = 64;
    if (std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }) < deepest)
        return nlohmann::json::parse(text, nullptr, false);
    const auto depth_guard = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return depth < deepest; };
    return nlohmann::json::parse(text, depth_guard, false);
}

/// What a server says is wrong.
struct complaint {
    std::string message;  ///< one line
    std::string kind;     ///< type, code and parameter, where given
    /// Tokens of the prompt and of the context, where a server counts them.
    std::optional<std::int64_t> prompt_tokens;
    std::optional<std::int64_t> context_tokens;

    /// The prompt is longer than the context, in the words of llama.cpp, vLLM, Ollama and hosted services.
    [[nodiscard]] bool is_context_overflow() const {
        for (const std::string_view word : {"exceed_context_size", "context_length_exceeded"})
            if (kind.find(word) != std::string::npos) return true;
        for (const std::string_view word :
             {"maximum context length", "exceeds the available context size", "exceeds the context",
              "context length of", "context window", "exceeds context", "prompt is too long", "maximum model length",
              "input length exceeds"})
            if (message.find(word) != std::string::npos) return true;
        return false;
    }

    /// The prompt itself has room: it is the tokens asked for that do not fit behind it.
    [[nodiscard]] bool prompt_fits() const {
        return prompt_tokens && context_tokens && *prompt_tokens < *context_tokens;
    }
};

namespace detail {

/// The number that stands behind one of the words in a text: "maximum context length is 4096 tokens".
[[nodiscard]] inline std::optional<std::int64_t> number_behind(std::string_view text,
                                                               std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
        const std::size_t at = text.find(word);
        if (at == std::string_view::npos) continue;
        const std::string_view rest = text.substr(at + word.size());
        const std::size_t digit = rest.find_first_of("0123456789");
        if (digit == std::string_view::npos || digit > 20) continue;
        std::int64_t n = 0;
        if (std::from_chars(rest.data() + digit, rest.data() + rest.size(), n).ec == std::errc{}) return n;
    }
    return std::nullopt;
}

inline void count_tokens(complaint& c, const nlohmann::json& from) {
    const auto member = [&](const char* name) -> std::optional<std::int64_t> {
        const auto it = from.find(name);
        if (it == from.end() || !it->is_number_integer()) return std::nullopt;
        return it->get<std::int64_t>();
    };
    c.prompt_tokens = member("n_prompt_tokens");
    c.context_tokens = member("n_ctx");
    if (!c.prompt_tokens)
        c.prompt_tokens = number_behind(
            c.message, {"messages resulted in", "your request has", "request (", "prompt contains", "prompt has"});
    if (!c.context_tokens)
        c.context_tokens =
            number_behind(c.message, {"maximum context length is", "available context size (", "context window of",
                                      "context length of", "maximum model length of"});
}

}  // namespace detail

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
        for (const char* const name : {"type", "code", "param"})
            if (from.contains(name) && !from[name].is_null())
                c.kind += (c.kind.empty() ? "" : ", ") + text_of(from[name]);
        if (c.message.empty()) c.message = text_of(from);
        detail::count_tokens(c, from);
        return c;
    };
    const auto words = [&](const nlohmann::json& from) {
        complaint c{text_of(from), {}, {}, {}};
        detail::count_tokens(c, nlohmann::json::object());
        return c;
    };
    if (const auto it = body.find("error"); it != body.end() && !it->is_null())
        return it->is_object() ? read(*it) : words(*it);
    if (body.contains("choices")) return std::nullopt;
    if (body.contains("message") && (body.contains("code") || body.contains("type") || body.contains("object")))
        return read(body);
    if (body.contains("detail")) return words(body["detail"]);
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
    return {text.empty() ? "no explanation" : text, {}, {}, {}};
}

/// A complaint as an error: errc::context_overflow or errc::server. `prefix` stands before its words.
[[nodiscard]] inline error error_of(const complaint& c, std::string_view prefix, const std::string& where) {
    error e{errc::server, fmt::format("{}: {}", prefix, c.message), where, c.kind, {}};
    if (!c.is_context_overflow()) return e;
    e.code = errc::context_overflow;
    if (c.prompt_tokens) e.got = fmt::format("{} tokens", *c.prompt_tokens);
    if (c.context_tokens) e.wanted = fmt::format("a prompt and an answer within {} tokens", *c.context_tokens);
    return e;
}

}  // namespace llmnas::openai
