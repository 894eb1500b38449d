// SPDX-License-Identifier: MIT
/// \file
/// JSON as language models write it: a reader that mends what has one meaning only and counts it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <llmnas/json/json_words.hpp>
#include <llmnas/json/repairs.hpp>
#include <llmnas/json/utf8.hpp>

namespace llmnas {

/// Bounds of what is read from a reply. Time is linear in `bytes + rescan`, memory in `bytes + values`.
struct reply_limits {
    std::size_t bytes = std::size_t{1} << 20U;
    std::size_t depth = 64;
    std::size_t members = 256;                   ///< of one object
    std::size_t values = std::size_t{1} << 16U;  ///< of one document
    std::size_t rescan = std::size_t{1} << 18U;  ///< bytes read again in search of JSON inside broken JSON
    std::size_t networks = 64;                   ///< lists of stages that are looked at
    std::size_t explanation = 4096;              ///< bytes of the text beside a network; the rest is left out
};

namespace detail {

/// How the attempt to read one document ended.
enum class json_end : std::uint8_t { complete, cut, malformed, too_deep, too_large };

/// One document of a text, or why there is none.
struct relaxed_document {
    json_end how = json_end::malformed;
    nlohmann::ordered_json value;  ///< of `complete` and `cut`
    std::size_t end = 0;           ///< behind the document; of `malformed` where it went wrong
    std::size_t open = 0;  ///< arrays and objects that the end of the text left open; the last ones of each other
    bool torn = false;     ///< the cut lost something of the innermost of these
    std::string twice;     ///< first member with two values in one object
    repair_counts repairs;
};

/// Reads documents from a text, one at each call, without recursion. Beyond JSON it takes comments, commas too many or
/// too few, other quotes or none, Python's literals and tuples, raw control characters and missing closing brackets.
/// A code fence ends the text for a document that is open there.
class relaxed_json {
public:
    relaxed_json(std::string_view text, const reply_limits& limits) : text_(text), limits_(limits) {}

    /// Bytes looked at so far.
    [[nodiscard]] std::size_t work() const noexcept { return work_; }

    /// The document that begins with the bracket at `begin`.
    [[nodiscard]] relaxed_document read(std::size_t begin) {
        pos_ = begin;
        stack_.clear();
        values_ = 0;
        out_ = {};
        failure_ = json_end::malformed;
        bool ok = open(text_[begin]);
        while (ok && !stack_.empty()) {
            skip_blanks();
            if (at_end()) {
                close_all(stack_.back().next != expect::separator);
                break;
            }
            ok = step(text_[pos_]);
        }
        if (!ok) out_.how = failure_;
        out_.end = pos_;
        work_ += pos_ - begin;
        return std::move(out_);
    }

private:
    using json = nlohmann::ordered_json;

    /// What may come next in an array or object.
    enum class expect : std::uint8_t { item, colon, value, separator };
    struct frame {
        json value;
        char closer;
        expect next = expect::item;
        bool comma = false;  ///< the last thing read
        std::string key;
    };

    static constexpr std::string_view fence = "```";

    [[nodiscard]] bool at_end() const { return pos_ == text_.size() || text_.substr(pos_, 3) == fence; }
    [[nodiscard]] char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
    [[nodiscard]] static bool is_closer(char c) { return c == ']' || c == '}' || c == ')'; }

    bool give_up(json_end why) {
        failure_ = why;
        return false;
    }

    void skip_blanks() {
        while (pos_ < text_.size()) {
            const char c = text_[pos_];
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
                ++pos_;
            } else if (c == '#' || (c == '/' && at(pos_ + 1) == '/')) {
                pos_ = std::min(text_.find('\n', pos_), text_.size());
                out_.repairs.add(repair_kind::comment);
            } else if (c == '/' && at(pos_ + 1) == '*') {
                const std::size_t end = text_.find("*/", pos_ + 2);
                pos_ = end == std::string_view::npos ? text_.size() : end + 2;
                out_.repairs.add(repair_kind::comment);
            } else {
                return;
            }
        }
    }

    bool step(char c) {
        frame& f = stack_.back();
        const bool object = f.value.is_object();
        switch (f.next) {
            case expect::separator:
                if (is_closer(c)) return close(c);
                if (c == ',') {
                    ++pos_;
                    f.comma = true;
                } else if (object || (c == '{' && f.value.back().is_object())) {
                    out_.repairs.add(repair_kind::missing_comma);  // what is no key fails at its missing colon
                } else {
                    return false;
                }
                f.next = expect::item;
                return true;
            case expect::item:
                if (is_closer(c)) return close(c);
                if (!object) return value(c);
                f.next = expect::colon;
                f.comma = false;
                return is_quote(c) ? text(f.key) : bare(f.key) && (out_.repairs.add(repair_kind::bare_word), true);
            case expect::colon:
                if (c != ':') return false;
                ++pos_;
                f.next = expect::value;
                return true;
            case expect::value:
                return value(c);
        }
        return false;
    }

    bool open(char c) {
        if (stack_.size() == limits_.depth) return give_up(json_end::too_deep);
        ++pos_;
        if (c == '(') out_.repairs.add(repair_kind::python_literal);
        stack_.push_back({c == '{' ? json::object() : json::array(),
                          c == '{'   ? '}'
                          : c == '[' ? ']'
                                     : ')',
                          {},
                          {},
                          {}});
        return true;
    }

    /// Closes the innermost array or object, or also those inside it whose brackets are missing.
    bool close(char c) {
        const auto match = std::find_if(stack_.rbegin(), stack_.rend(), [c](const frame& f) { return f.closer == c; });
        if (match == stack_.rend()) return false;
        const auto missing = static_cast<std::size_t>(match - stack_.rbegin());
        out_.repairs.add(repair_kind::missing_bracket, missing);
        for (std::size_t i = 0; i <= missing; ++i) {
            if (stack_.back().comma) out_.repairs.add(repair_kind::trailing_comma);
            if (!pop()) return false;
        }
        ++pos_;
        return true;
    }

    /// At the end of the text: `torn` says that something incomplete stood there.
    void close_all(bool torn) {
        out_.how = json_end::cut;
        out_.open = stack_.size();
        out_.torn = torn;
        out_.repairs.add(repair_kind::missing_bracket, stack_.size());
        while (!stack_.empty())
            if (!pop()) return out_.how = failure_, stack_.clear();
    }

    /// The innermost array or object becomes a value of the one around it.
    bool pop() {
        json done = std::move(stack_.back().value);
        stack_.pop_back();
        if (!stack_.empty()) return put(std::move(done));
        out_.value = std::move(done);
        if (out_.how != json_end::cut) out_.how = json_end::complete;
        return true;
    }

    bool put(json v) {
        frame& f = stack_.back();
        if (++values_ > limits_.values) return give_up(json_end::too_large);
        f.next = expect::separator;
        f.comma = false;
        if (f.value.is_array()) {
            f.value.push_back(std::move(v));
            return true;
        }
        if (const auto it = f.value.find(f.key); it != f.value.end()) {
            if (*it == v)
                out_.repairs.add(repair_kind::repeated_member);
            else if (out_.twice.empty())
                out_.twice = f.key.empty() ? "\"\"" : f.key;
            return true;
        }
        if (f.value.size() == limits_.members) return give_up(json_end::too_large);
        f.value.emplace(std::move(f.key), std::move(v));
        return true;
    }

    bool value(char c) {
        if (c == '[' || c == '{' || c == '(') return open(c);
        std::string s;
        if (is_quote(c)) return text(s) && (stack_.empty() || put(std::move(s)));
        if (!bare(s)) return false;
        return stack_.empty() || put(literal(std::move(s)));
    }

    /// Characters of a word without quotes: whatever cannot end it.
    [[nodiscard]] bool is_word_at(std::size_t i) const {
        const auto c = static_cast<unsigned char>(text_[i]);
        if (c == '/') return at(i + 1) != '/' && at(i + 1) != '*';
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-' || c == '+' || c == '%' || (c >= 0x80 && !is_typographic(i));
    }

    /// A word without quotes. At the very end of the text it may be half of one.
    bool bare(std::string& out) {
        const std::size_t begin = pos_;
        while (pos_ < text_.size() && is_word_at(pos_)) ++pos_;
        if (pos_ == begin) return false;
        const std::string_view word = text_.substr(begin, pos_ - begin);
        if (pos_ == text_.size() && !is_literal(word)) return close_all(true), true;
        out = valid_utf8(word);
        return true;
    }

    /// The value of a word: a literal, a number, or a text.
    [[nodiscard]] json literal(std::string word) {
        if (is_literal(word)) {
            if (word[0] < 'a') out_.repairs.add(repair_kind::python_literal);
            if (word[0] == 'n' || word[0] == 'N') return nullptr;
            return word == "true" || word == "True";
        }
        if (json number = json_number(word); !number.is_null()) return number;
        out_.repairs.add(repair_kind::bare_word);
        return word;
    }

    // Typographic quotes “ ” „ are three bytes in UTF-8.
    [[nodiscard]] bool is_typographic(std::size_t i) const {
        return at(i) == '\xE2' && at(i + 1) == '\x80' && at(i + 2) >= '\x9C' && at(i + 2) <= '\x9E';
    }
    [[nodiscard]] bool is_quote(char c) const { return c == '"' || c == '\'' || is_typographic(pos_); }

    /// A text in quotes.
    bool text(std::string& out) {
        const char quote = text_[pos_];
        const bool typographic = is_typographic(pos_);
        if (quote != '"') out_.repairs.add(repair_kind::quotes);
        out.clear();
        pos_ += typographic ? 3 : 1;
        while (pos_ < text_.size()) {
            const char c = text_[pos_];
            if (typographic ? is_typographic(pos_) : c == quote) {
                pos_ += typographic ? 3 : 1;
                if (std::any_of(out.begin(), out.end(), [](char b) { return static_cast<unsigned char>(b) >= 0x80; }))
                    out = valid_utf8(out);
                return true;
            }
            if (c == '\\') {
                if (pos_ + 1 == text_.size()) break;
                bool known = true;
                pos_ += unescape(text_.substr(pos_), out, known);
                if (!known) out_.repairs.add(repair_kind::escape);
                continue;
            }
            if (static_cast<unsigned char>(c) < 0x20) out_.repairs.add(repair_kind::control_character);
            out += c;
            ++pos_;
        }
        pos_ = text_.size();
        return close_all(true), true;
    }

    std::string_view text_;
    reply_limits limits_;
    std::size_t pos_ = 0;
    std::size_t work_ = 0;
    std::size_t values_ = 0;
    std::vector<frame> stack_;
    relaxed_document out_;
    json_end failure_ = json_end::malformed;
};

}  // namespace detail
}  // namespace llmnas
