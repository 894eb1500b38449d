// SPDX-License-Identifier: MIT
/// \file
/// Exchanges with a language model as JSON lines: what a recorder writes and a replay reads.
#pragma once

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/api_key.hpp>
#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// The file of a study directory that holds its exchanges.
inline constexpr std::string_view transcript_file_name = "llm.jsonl";

/// One call of a language model. Time-dependent members but `seconds` stand in the file only.
struct llm_exchange {
    std::string model;  ///< LanguageModel::name()
    completion_request request;
    result<completion> answer;
    double seconds = 0;                        ///< of the whole call
    std::optional<std::int32_t> context = {};  ///< the model's context length, where it was asked for
};

/// Takes secrets out of texts: the key, and whatever follows `Bearer` or `Basic` in a copied header.
class secret_filter {
public:
    explicit secret_filter(api_key key = {}) : key_(std::move(key)) {}

    /// A prompt or an answer: valid UTF-8, where a placeholder key ("none") is no secret.
    [[nodiscard]] std::string text(std::string_view t) const {
        return without_header(key_.redact_secret(valid_utf8(t)));
    }
    /// A text about a failure: here the key is taken out whatever it is.
    [[nodiscard]] std::string message(std::string_view t) const { return without_header(key_.redact(valid_utf8(t))); }

    [[nodiscard]] completion_request request(completion_request r) const {
        for (chat_message& m : r.messages) m.content = text(m.content);
        if (r.grammar) r.grammar = text(*r.grammar);
        return r;
    }
    [[nodiscard]] result<completion> answer(result<completion> a) const {
        if (!a) {
            error e = std::move(a).error();
            for (std::string* const part : {&e.what, &e.where, &e.got, &e.wanted}) *part = message(*part);
            return tl::unexpected<error>(std::move(e));
        }
        a->text = text(a->text);
        a->model = message(a->model);
        a->finish_reason = text(a->finish_reason);
        return a;
    }

private:
    /// A word of at least twelve characters with a digit behind the scheme: prose does not look so.
    [[nodiscard]] static std::string without_header(std::string t) {
        constexpr std::size_t least = 12;
        for (const std::string_view scheme : {"earer ", "asic "}) {
            for (std::size_t at = t.find(scheme); at != std::string::npos; at = t.find(scheme, at + 1)) {
                const std::size_t begin = at + scheme.size();
                std::size_t end = begin;
                bool digit = false;
                for (; end < t.size(); ++end) {
                    const auto c = static_cast<unsigned char>(t[end]);
                    if (std::isalnum(c) == 0 && std::string_view("-._~+/=").find(t[end]) == std::string_view::npos)
                        break;
                    digit = digit || std::isdigit(c) != 0;
                }
                if (digit && end - begin >= least) t.replace(begin, end - begin, "***");
            }
        }
        return t;
    }

    api_key key_;
};

namespace detail {

[[nodiscard]] inline json_value sampling_to_json(const sampling_options& s) {
    json_value j{{"temperature", s.temperature}, {"min_p", s.min_p}, {"top_k", s.top_k}, {"top_p", s.top_p},
                 {"max_tokens", s.max_tokens},   {"seed", nullptr}};
    if (s.seed) j["seed"] = *s.seed;
    return j;
}

[[nodiscard]] inline sampling_options sampling_from_json(const json_value& j) {
    sampling_options s;
    s.temperature = j.at("temperature").get<double>();
    s.min_p = j.at("min_p").get<double>();
    s.top_k = j.at("top_k").get<int>();
    s.top_p = j.at("top_p").get<double>();
    s.max_tokens = j.at("max_tokens").get<int>();
    if (!j.at("seed").is_null()) s.seed = j.at("seed").get<std::uint32_t>();
    return s;
}

/// The enumerator with a name; throws json_exception's base as the accessors do, for exchange_from_json() to catch.
template <class Enum>
[[nodiscard]] Enum enumerator_named(const std::string& name, Enum last) {
    for (int i = 0; i <= static_cast<int>(last); ++i)
        if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
    throw json_value::other_error::create(599, "unknown name " + one_line(name, 40), nullptr);
}

}  // namespace detail

/// One line of a transcript, without time stamp.
[[nodiscard]] inline json_value to_json(const llm_exchange& x) {
    json_value j{{"model", x.model}};
    if (x.context) j["context"] = *x.context;
    auto& request = j["request"];
    request["messages"] = json_value::array();
    for (const chat_message& m : x.request.messages)
        request["messages"].push_back({{"role", name_of(m.role)}, {"content", m.content}});
    request["sampling"] = detail::sampling_to_json(x.request.sampling);
    if (x.request.json_schema) request["json_schema"] = *x.request.json_schema;
    if (x.request.grammar) request["grammar"] = *x.request.grammar;
    if (x.answer) {
        const completion& c = *x.answer;
        auto& reply = j["reply"];
        reply = {{"text", c.text}, {"model", c.model}, {"finish_reason", c.finish_reason}, {"seconds", c.seconds}};
        if (c.usage) reply["usage"] = {{"prompt_tokens", c.usage->prompt}, {"completion_tokens", c.usage->completion}};
        if (!c.left_out.empty()) reply["left_out"] = c.left_out;
        if (!c.schema_sent_as.empty()) reply["schema_sent_as"] = c.schema_sent_as;
    } else {
        const error& e = x.answer.error();
        j["error"] = {
            {"code", name_of(e.code)}, {"what", e.what}, {"where", e.where}, {"got", e.got}, {"wanted", e.wanted}};
    }
    j["seconds"] = x.seconds;
    return j;
}

/// Reads to_json()'s form. Error (errc::bad_input): a member that is missing or of another type.
[[nodiscard]] inline result<llm_exchange> exchange_from_json(const json_value& j) {
    try {
        llm_exchange x{j.at("model").get<std::string>(), {}, completion{}, j.at("seconds").get<double>()};
        if (j.contains("context")) x.context = j["context"].get<std::int32_t>();
        const json_value& request = j.at("request");
        for (const json_value& m : request.at("messages"))
            x.request.messages.push_back(
                {detail::enumerator_named(m.at("role").get<std::string>(), chat_role::assistant),
                 m.at("content").get<std::string>()});
        x.request.sampling = detail::sampling_from_json(request.at("sampling"));
        if (request.contains("json_schema")) x.request.json_schema = request["json_schema"];
        if (request.contains("grammar")) x.request.grammar = request["grammar"].get<std::string>();
        if (j.contains("error")) {
            const json_value& e = j["error"];
            x.answer = tl::unexpected<error>(
                error{detail::enumerator_named(e.at("code").get<std::string>(), errc::context_overflow),
                      e.at("what").get<std::string>(), e.at("where").get<std::string>(), e.at("got").get<std::string>(),
                      e.at("wanted").get<std::string>()});
            return x;
        }
        const json_value& reply = j.at("reply");
        completion& c = *x.answer;
        c.text = reply.at("text").get<std::string>();
        c.model = reply.at("model").get<std::string>();
        c.finish_reason = reply.at("finish_reason").get<std::string>();
        c.seconds = reply.at("seconds").get<double>();
        if (reply.contains("usage"))
            c.usage = token_usage{reply["usage"].at("prompt_tokens").get<std::int64_t>(),
                                  reply["usage"].at("completion_tokens").get<std::int64_t>()};
        if (reply.contains("left_out")) c.left_out = reply["left_out"].get<std::vector<std::string>>();
        c.schema_sent_as = reply.value("schema_sent_as", "");
        return x;
    } catch (const json_exception& e) {
        return fail(errc::bad_input, fmt::format("not an exchange with a language model: {}", one_line(e.what(), 120)));
    }
}

}  // namespace llmnas
