// SPDX-License-Identifier: MIT
/// \file
/// The JSON proposal inside the reply of a language model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>
#include <nlohmann/json.hpp>

namespace llmnas {

/// Bounds of what is read from a reply.
struct reply_limits {
    std::size_t bytes = std::size_t{1} << 20U;
    std::size_t depth = 64;
    std::size_t members = 256;  ///< of one object
};

namespace detail {

/// Checks one JSON value without building it: where it fails, how deep it goes, members named twice.
class json_check : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit json_check(const reply_limits& limits) : limits_(limits) {}

    bool too_deep = false;
    bool too_wide = false;
    bool failed = false;
    std::size_t position = 0;  ///< bytes read before the failure
    std::string twice;         ///< first member that stands twice in one object

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return open(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (!members_.back().insert(name).second && twice.empty()) twice = name;
        too_wide = members_.back().size() > limits_.members;
        return !too_wide;
    }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
        failed = true;
        position = at == 0 ? 0 : at - 1;
        return false;
    }

private:
    bool open() {
        if (members_.size() == limits_.depth) {
            too_deep = true;
            return false;
        }
        members_.emplace_back();
        return true;
    }
    bool close() {
        members_.pop_back();
        return true;
    }

    reply_limits limits_;
    std::vector<std::set<std::string>> members_;
};

/// Length of the array or object at the beginning of text that json_check found valid.
[[nodiscard]] inline std::size_t value_length(std::string_view s) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const char c = s[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            return i + 1;
        }
    }
    return s.size();
}

[[nodiscard]] inline bool has_blocks(const nlohmann::ordered_json& j) {
    if (!j.is_object()) return false;
    if (const auto it = j.find("blocks"); it != j.end()) return it->is_array();
    const auto it = j.find("candidate_config");
    return it != j.end() && it->is_object() && it->contains("blocks") && (*it)["blocks"].is_array();
}

}  // namespace detail

/// The first value in a reply that can be a proposal: an array of objects, or an object with an array `blocks` (or
/// `candidate_config` holding one); of an array of such objects the first. Prose, code fences and other JSON around it
/// are passed over, and so are the thoughts of a reasoning model (`<think>...</think>`). Strict JSON otherwise: no
/// repair. Linear time, bounded depth, throws nothing but std::bad_alloc.
///
/// Errors (errc::bad_input): nothing found, malformed (with the byte), cut, a member twice, too deep, too long.
[[nodiscard]] inline result<nlohmann::ordered_json> extract_proposal(std::string_view text, reply_limits limits = {}) {
    constexpr std::string_view where = "reply of the language model";
    const auto reject = [where](std::string what, std::string got, std::string wanted) {
        return fail(errc::bad_input, std::move(what), std::string(where), std::move(got), std::move(wanted));
    };
    const std::string wanted = "a JSON array of objects, or an object with \"blocks\"";
    if (text.size() > limits.bytes)
        return reject("too long", fmt::format("{} bytes", text.size()), fmt::format("at most {} bytes", limits.bytes));

    if (const std::size_t end = text.rfind("</think>"); end != std::string_view::npos) text.remove_prefix(end + 8);

    std::string malformed;
    bool other_json = false;
    for (std::size_t i = text.find_first_of("[{"); i != std::string_view::npos; i = text.find_first_of("[{", i)) {
        const std::string_view rest = text.substr(i);
        detail::json_check check(limits);
        if (nlohmann::json::sax_parse(rest.begin(), rest.end(), &check, nlohmann::json::input_format_t::json, false)) {
            const std::string_view value = rest.substr(0, detail::value_length(rest));
            i += value.size();
            auto j = nlohmann::ordered_json::parse(value.begin(), value.end(), nullptr, false);
            // Servers that force an object make models wrap the array under a name of their own.
            if (j.is_object() && j.size() == 1 && j.front().is_array() && !detail::has_blocks(j)) {
                auto inner = std::move(j.front());
                j = std::move(inner);
            }
            const bool list = j.is_array() && !j.empty() &&
                              std::all_of(j.begin(), j.end(), [](const auto& e) { return e.is_object(); });
            if (!list && !detail::has_blocks(j)) {
                other_json = true;
                continue;
            }
            if (!check.twice.empty())
                return reject("a member stands twice in one object", '"' + one_line(check.twice, 60) + '"',
                              "each member once");
            if (list && detail::has_blocks(j.front())) return nlohmann::ordered_json(std::move(j.front()));
            return j;
        }
        if (check.too_deep)
            return reject("nested too deeply", fmt::format("more than {} levels", limits.depth), wanted);
        if (check.too_wide)
            return reject("an object is too large", fmt::format("more than {} members", limits.members), wanted);
        if (check.position >= rest.size())
            return reject("the JSON is cut", fmt::format("end of the text after {} bytes", text.size()),
                          "complete JSON in a shorter answer");
        const std::size_t at = i + std::max<std::size_t>(check.position, 1);
        // A bracket in prose fails at once; what got further was meant as JSON.
        if (malformed.empty() && check.position > 2)
            malformed = fmt::format("`{}` at byte {}", one_line(text.substr(at, 20), 20), at);
        i = at;
    }
    if (!malformed.empty()) return reject("malformed JSON", std::move(malformed), wanted);
    if (other_json) return reject("the JSON is no proposal", one_line(text, 80), wanted);
    return reject("no JSON", text.empty() ? "an empty reply" : one_line(text, 80), wanted);
}

}  // namespace llmnas
