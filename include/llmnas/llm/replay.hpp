// SPDX-License-Identifier: MIT
/// \file
/// A language model that answers as a recorded one did.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/api_key.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/llm/transcript.hpp>

namespace llmnas {

namespace detail {

/// About 60 bytes of a text from a little before a position, on one line.
[[nodiscard]] inline std::string excerpt_at(std::string_view text, std::size_t at) {
    std::size_t begin = at > 20 ? at - 20 : 0;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
    return fmt::format("`{}{}`", begin > 0 ? "..." : "", one_line(text.substr(begin), 60));
}

/// Where two prompts differ first, with an excerpt of both; nothing where they are equal.
[[nodiscard]] inline std::optional<error> prompt_difference(const std::vector<chat_message>& got,
                                                            const std::vector<chat_message>& wanted) {
    error e{errc::bad_input, "the prompt differs from the recorded one", {}, {}, {}};
    for (std::size_t i = 0; i < std::min(got.size(), wanted.size()); ++i) {
        e.where = fmt::format("message {} ({})", i + 1, name_of(wanted[i].role));
        if (got[i].role != wanted[i].role) {
            e.got = fmt::format("role {}", name_of(got[i].role));
            e.wanted = fmt::format("role {}", name_of(wanted[i].role));
            return e;
        }
        const std::string_view a = got[i].content;
        const std::string_view b = wanted[i].content;
        if (a == b) continue;
        const auto at =
            static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
        const std::string_view before = a.substr(0, at);
        const std::size_t line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
        const std::size_t column = at - (before.rfind('\n') + 1);  // npos + 1 is 0
        e.where += fmt::format(", line {}, column {} (byte {})", line, column + 1, at);
        e.got = at < a.size() ? excerpt_at(a, at) : "the end of the message";
        e.wanted = at < b.size() ? excerpt_at(b, at) : "the end of the message";
        return e;
    }
    if (got.size() == wanted.size()) return std::nullopt;
    e.where = fmt::format("message {}", std::min(got.size(), wanted.size()) + 1);
    e.got = fmt::format("{} messages", got.size());
    e.wanted = fmt::format("{} messages", wanted.size());
    return e;
}

/// Where two requests differ first.
[[nodiscard]] inline std::optional<error> request_difference(const completion_request& got,
                                                             const completion_request& wanted) {
    if (auto prompt = prompt_difference(got.messages, wanted.messages)) return prompt;
    const json_value a = sampling_to_json(got.sampling);
    const json_value b = sampling_to_json(wanted.sampling);
    for (const auto& member : b.items())
        if (a.at(member.key()) != member.value())
            return error{errc::bad_input, "the sampling differs from the recorded one", member.key(),
                         a.at(member.key()).dump(), member.value().dump()};
    const auto text_of = [](const std::optional<json_value>& j) { return j ? j->dump() : std::string(); };
    for (const auto& [name, x, y] : {std::tuple{"schema", text_of(got.json_schema), text_of(wanted.json_schema)},
                                     std::tuple{"grammar", got.grammar.value_or(""), wanted.grammar.value_or("")}}) {
        if (x == y) continue;
        const auto at =
            static_cast<std::size_t>(std::mismatch(x.begin(), x.end(), y.begin(), y.end()).first - x.begin());
        return error{errc::bad_input, fmt::format("the {} differs from the recorded one", name),
                     fmt::format("byte {}", at), x.empty() ? "none" : excerpt_at(x, at),
                     y.empty() ? "none" : excerpt_at(y, at)};
    }
    return std::nullopt;
}

}  // namespace detail

/// LanguageModel that answers from a recorder's file, in order and bit-equal, errors too; no server, no waiting. A
/// request that is not the recorded one, and one behind the last, are errors; they use nothing up.
class replay {
public:
    /// Reads the file. `key` as of the recorder, where prompts hold it. Errors: errc::io, errc::bad_input with the
    /// line.
    [[nodiscard]] static result<replay> open(const std::filesystem::path& file, api_key key = {}) {
        std::ifstream in(file, std::ios::binary);
        std::error_code ignored;
        if (!in || std::filesystem::is_directory(file, ignored))
            return fail(errc::io, "cannot open the recording", file.string(), {}, "a readable file of `llmnas search`");
        replay r(file.string(), secret_filter(std::move(key)));
        std::string text;
        for (std::size_t line = 1; std::getline(in, text); ++line) {
            const auto parsed = json_value::parse(text, nullptr, false);
            const std::string where = fmt::format("{}, line {}", r.file_, line);
            if (in.eof() && parsed.is_discarded()) {  // no newline behind it: the writer was killed
                r.notice_ = fmt::format("{}: a torn last line was left out", where);
                break;
            }
            if (parsed.is_discarded())
                return fail(errc::bad_input, "line is not JSON", where, one_line(text, 40), "a recorder's line");
            auto exchange = exchange_from_json(parsed);
            if (!exchange) {
                exchange.error().where = where;
                return tl::unexpected<error>(std::move(exchange).error());
            }
            r.exchanges_.push_back(*std::move(exchange));
        }
        if (in.bad()) return fail(errc::io, "cannot read the recording", file.string());
        return r;
    }

    /// The recorded answer. Errors of its own: errc::bad_input where the request differs, with message, line, column
    /// and an excerpt of both; errc::unavailable behind the last exchange.
    [[nodiscard]] result<completion> complete(const completion_request& request) {
        if (next_ >= exchanges_.size())
            return failed({errc::unavailable, "the recording has no more exchanges", file_,
                           fmt::format("request {}", next_ + 1), fmt::format("{} requests", exchanges_.size())});
        const llm_exchange& recorded = exchanges_[next_];
        if (auto difference = detail::request_difference(filter_.request(request), recorded.request)) {
            difference->where = fmt::format("{}, exchange {}, {}", file_, next_ + 1, difference->where);
            return failed(*std::move(difference));
        }
        ++next_;
        return recorded.answer;
    }

    /// Of the recorded model, where it was asked for.
    [[nodiscard]] std::optional<std::int32_t> context_length() const {
        return exchanges_.empty() ? std::nullopt : exchanges_[0].context;
    }
    /// Name of the recorded model.
    [[nodiscard]] std::string name() const { return exchanges_.empty() ? "empty recording" : exchanges_[0].model; }
    /// Exchanges not used yet.
    [[nodiscard]] std::size_t remaining() const noexcept { return exchanges_.size() - next_; }
    /// The first request that the recording did not answer: from there on a search is another one.
    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
    /// What was left out of the file, or empty.
    [[nodiscard]] const std::string& notice() const noexcept { return notice_; }

private:
    replay(std::string file, secret_filter filter) : file_(std::move(file)), filter_(std::move(filter)) {}

    [[nodiscard]] tl::unexpected<error> failed(error e) {
        if (!failure_) failure_ = e;
        return tl::unexpected<error>(std::move(e));
    }

    std::string file_;
    secret_filter filter_;
    std::vector<llm_exchange> exchanges_;
    std::size_t next_ = 0;
    std::optional<error> failure_;
    std::string notice_;
};

static_assert(ContextualModel<replay>);

}  // namespace llmnas
