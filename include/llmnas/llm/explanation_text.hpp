// SPDX-License-Identifier: MIT
/// \file
/// A sentence of an explanation as words of the vocabulary. Linear time in its length, any bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/explanation_sentences.hpp>
#include <llmnas/llm/explanation_vocabulary.hpp>

namespace llmnas::claim_grammar {

/// A sentence as words. Sentences longer than `limit` words are cut there and end with an unknown word.
class word_reader {
public:
    explicit word_reader(std::string_view s) : s_(s) {}

    static constexpr std::size_t limit = 160;

    [[nodiscard]] std::vector<word> read() {
        cut_pieces();
        std::vector<word> words;
        for (std::size_t i = 0; i < pieces_.size();) {
            if (words.size() == limit) {
                words.push_back({});
                break;
            }
            const piece& p = pieces_[i];
            if (p.kind != piece::word) {
                words.push_back(p.value);
                ++i;
                continue;
            }
            const phrase* best = nullptr;
            std::size_t length = 1;
            std::string joined;
            for (std::size_t k = i; k < pieces_.size() && k < i + 6 && pieces_[k].kind == piece::word; ++k) {
                joined.append(k == i ? "" : " ").append(pieces_[k].text);
                const auto it = phrase_index().find(joined);
                if (it == phrase_index().end()) continue;
                best = it->second;
                length = k - i + 1;
            }
            words.push_back(best == nullptr ? word{} : meaning(*best));
            i += length;
        }
        return words;
    }

private:
    struct piece {
        enum { word, number, mark } kind = word;
        std::string text;
        claim_grammar::word value;
    };

    [[nodiscard]] static word meaning(const phrase& p) {
        word w{p.kind, p.property, p.relation, {}, false};
        w.value.number = p.number;
        w.value.word = p.value;
        w.value.loose = p.loose;
        if (p.kind == word_class::value && p.property == claim_property::stride) w.value = {2, 0, {}, {}, false};
        return w;
    }

    void mark(word_class kind) { pieces_.push_back({piece::mark, {}, {kind}}); }

    void cut_pieces() {
        while (i_ < s_.size() && pieces_.size() < 4 * limit) {
            const char c = s_[i_];
            if (is_digit(c)) {
                number();
            } else if (is_letter(c)) {
                letters();
            } else if (c == ',' || c == '&') {
                mark(word_class::conj), ++i_;
            } else if (c == ';') {
                mark(word_class::split), ++i_;
            } else if (c == ':') {
                mark(word_class::colon), ++i_;
            } else if (c == '<' || c == '>') {
                const bool equal = s_.substr(i_ + 1, 1) == "=";
                sign(c == '<' ? (equal ? claim_relation::at_most : claim_relation::less)
                              : (equal ? claim_relation::at_least : claim_relation::more),
                     equal ? 2 : 1);
            } else if (c == '-' && i_ > 0 && is_digit(s_[i_ - 1]) && i_ + 1 < s_.size() && is_digit(s_[i_ + 1])) {
                mark(word_class::to), ++i_;
            } else if (c == '=') {
                mark(word_class::filler), ++i_;
            } else if (c == '~') {
                sign(claim_relation::about, 1);
            } else if (c == '(' || c == ')' || c == '[' || c == ']' || c == '{' || c == '}' || c == '/' || c == '|' ||
                       c == '+') {
                // What brackets mean depends on what stands around them.
                mark(word_class::unknown), ++i_;
            } else if (static_cast<unsigned char>(c) < 0x80) {
                ++i_;  // quotes, stars, hyphens
            } else {
                other();
            }
        }
        if (i_ < s_.size()) mark(word_class::unknown);
    }

    void sign(claim_relation r, std::size_t length) {
        word w{word_class::relation};
        w.relation = r;
        pieces_.push_back({piece::mark, {}, w});
        i_ += length;
    }

    /// Signs beyond ASCII.
    void other() {
        const std::string_view rest = s_.substr(i_);
        const auto is = [&](std::string_view sign) { return rest.substr(0, sign.size()) == sign; };
        if (is("\xE2\x89\xA4")) return sign(claim_relation::at_most, 3);
        if (is("\xE2\x89\xA5")) return sign(claim_relation::at_least, 3);
        if (is("\xE2\x89\x88")) return sign(claim_relation::about, 3);
        if (is("\xE2\x80\x99")) return void(i_ += 3);                           // apostrophe
        if (is("\xE2\x80\x94")) return mark(word_class::split), void(i_ += 3);  // dash
        if (is("\xE2\x80\x93")) return mark(word_class::to), void(i_ += 3);     // 1-3
        if (is("\xC2\xA0") || is("\xC2\xB7")) return void(i_ += 2);             // no-break space, dot
        if (is("\xE2\x80\x9C") || is("\xE2\x80\x9D") || is("\xE2\x80\xA2") || is("\xE2\x80\xAF") || is("\xE2\x80\x91"))
            return void(i_ += 3);
        mark(word_class::unknown);
        i_ += std::max<std::size_t>(1, llmnas::detail::utf8_length(rest));
    }

    void letters() {
        std::string w;
        while (i_ < s_.size() && (is_letter(s_[i_]) || is_digit(s_[i_]))) {
            const char c = s_[i_++];
            if (w.size() < 40) w += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
        pieces_.push_back({piece::word, std::move(w), {}});
    }

    /// The sign between the two extents of a kernel; its length, 0 if there is none.
    [[nodiscard]] std::size_t times() const {
        const std::string_view rest = s_.substr(i_);
        for (const std::string_view sign : {"x", "X", "\xC3\x97", " x ", " \xC3\x97 ", "-by-", "*"})
            if (rest.size() > sign.size() && rest.substr(0, sign.size()) == sign && is_digit(rest[sign.size()]))
                return sign.size();
        return 0;
    }

    /// Digits with groups of three (`81,963,264`) and decimals. False if there are too many of them.
    bool digits(double& value, double& unit) {
        value = 0;
        unit = 1;
        std::size_t count = 0;
        const auto group = [&] {
            const std::string_view r = s_.substr(i_);
            return r.size() > 3 && r[0] == ',' && is_digit(r[1]) && is_digit(r[2]) && is_digit(r[3]) &&
                   (r.size() == 4 || !is_digit(r[4]));
        };
        const std::size_t start = i_;
        while (i_ < s_.size() && (is_digit(s_[i_]) || (i_ - start <= 12 && group()))) {
            if (is_digit(s_[i_])) value = value * 10 + (s_[i_] - '0'), ++count;
            ++i_;
        }
        if (i_ + 1 < s_.size() && s_[i_] == '.' && is_digit(s_[i_ + 1])) {
            double place = 1;
            for (++i_; i_ < s_.size() && is_digit(s_[i_]); ++i_) {
                if (++count > 15) continue;
                place *= 10;
                value = value * 10 + (s_[i_] - '0');
            }
            value /= place;
            unit = 1 / place;
        }
        return count <= 15;
    }

    void number() {
        word w{word_class::number};
        double unit = 1;
        const bool good = digits(w.value.number, unit);
        w.value.precision = unit / 2;
        if (!good) w.kind = word_class::unknown;
        if (const std::size_t n = times()) {
            i_ += n;
            double second = 0;
            if (!digits(second, unit) || second != w.value.number) w.kind = word_class::unknown;
            w.kernel = true;
            if (times() != 0) w.kind = word_class::unknown;  // a shape
        } else if (s_.substr(i_, 1) == "/" && i_ + 1 < s_.size() && is_digit(s_[i_ + 1])) {
            ++i_;
            double below = 0;
            if (!digits(below, unit) || below == 0)
                w.kind = word_class::unknown;
            else
                w.value.number /= below;
            w.value.precision = 0;
        } else {
            suffix(w);
        }
        pieces_.push_back({piece::number, {}, w});
    }

    /// Units and multiples behind a number, and the letters of `2nd`.
    void suffix(word& w) {
        std::size_t k = i_;
        while (k < s_.size() && (s_[k] == ' ' || s_.substr(k, 2) == "\xC2\xA0")) k += s_[k] == ' ' ? 1 : 2;
        const bool attached = k == i_;
        if (k < s_.size() && s_[k] == '%') {
            w.value.unit = claim_unit::percent;
            i_ = k + 1;
            return;
        }
        std::size_t end = k;
        while (end < s_.size() && (is_letter(s_[end]) || is_digit(s_[end]))) ++end;
        const std::string_view name = s_.substr(k, end - k);
        const auto scaled = [&](double factor, claim_unit unit = claim_unit::none) {
            w.value.number *= factor;
            w.value.precision *= factor;
            w.value.unit = unit;
            i_ = end;
        };
        if (name == "M" || name == "million" || name == "Million" || name == "mn") return scaled(1e6);
        if (name == "k" || name == "K" || name == "thousand") return scaled(1e3);
        if (name == "B" || name == "bytes" || name == "byte") return scaled(1, claim_unit::b);
        if (name == "KB" || name == "kB" || name == "kilobytes") return scaled(1, claim_unit::kb);
        if (name == "KiB" || name == "kibibytes") return scaled(1, claim_unit::kib);
        if (name == "MB" || name == "megabytes") return scaled(1, claim_unit::mb);
        if (name == "MiB") return scaled(1, claim_unit::mib);
        if (name == "percent") return scaled(1, claim_unit::percent);
        if (!attached || name.empty()) return;
        if (name == "st" || name == "nd" || name == "rd" || name == "th") {
            w.kind = word_class::ordinal;
            i_ = end;
        } else {
            w.kind = word_class::unknown;
            i_ = end;
        }
    }

    std::string_view s_;
    std::size_t i_ = 0;
    std::vector<piece> pieces_;
};

}  // namespace llmnas::claim_grammar
