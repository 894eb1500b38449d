// SPDX-License-Identifier: MIT
/// \file
/// The claims of an explanation: sentences, clauses, and scopes joined with predicates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/explanation_claim.hpp>
#include <llmnas/llm/explanation_grammar.hpp>
#include <llmnas/llm/explanation_text.hpp>

namespace llmnas {

/// A sentence of an explanation with the claims found in it; none where it says nothing that can be checked, or in a
/// way that is not understood.
struct statement {
    std::string text;  ///< valid UTF-8, on one line
    std::vector<claim> claims;
};

namespace claim_grammar {

/// Joins the scopes and predicates of one clause.
class claim_builder {
public:
    claim_builder(const clause_parser& clause, std::size_t stages, const std::optional<scope_item>& context)
        : clause_(clause), stages_(stages), context_(context) {}

    /// No claims where the clause cannot be joined in one way alone.
    [[nodiscard]] std::vector<claim> build() {
        const auto& items = clause_.items();
        std::optional<scope_item> subject;
        std::optional<scope_item> place;  // the last one behind its predicates
        std::vector<const predicate_item*> open;
        bool said = true;  // the subject has a predicate
        for (std::size_t i = 0; i < items.size() && !failed_; ++i) {
            if (const auto* p = std::get_if<predicate_item>(&items[i])) {
                if (!subject) {
                    open.push_back(p);
                    continue;
                }
                // `two stages use SE and residuals`: both in one, or each in some?
                if (subject->quantifier != claim_quantifier::all && std::exchange(said, true)) return {};
                join(*p, subject);
                said = true;
                continue;
            }
            const auto& s = std::get<scope_item>(items[i]);
            const bool predicate_next = i + 1 < items.size();
            if (!open.empty() && s.joined && s.quantifier == claim_quantifier::exactly) {
                if (predicate_next) return {};
                for (const auto* p : open) join(*p, std::nullopt);  // `12 layers and 5 stages`
                open.clear();
                count_of_stages(s);
            } else if (!open.empty()) {
                if (s.verb_follows && predicate_next) return {};  // whose predicate is the first?
                if (s.quantifier != claim_quantifier::all && open.size() > 1) return {};
                for (const auto* p : open) join(*p, s);
                open.clear();
                place = s;
            } else if (i > 0 && !predicate_next) {
                if (!subject || !subject->bare) return {};
                claims_.clear();
                for (std::size_t k = 0; k < i; ++k)
                    if (const auto* p = std::get_if<predicate_item>(&items[k])) join(*p, s);
                said = true;
            } else {
                if (place) return {};
                subject = s;
                said = false;
            }
        }
        if (!said && items.size() == 1)
            count_of_stages(*subject);
        else if (!said)
            return {};
        for (const auto* p : open) {
            if (!place) {
                join(*p, context_);
            } else if (p->part.property == claim_property::se_ratio) {
                // `SE in stage 4, with a ratio of ..`
                if (place->quantifier == claim_quantifier::some)
                    join(*p, std::nullopt);
                else
                    join(*p, place);
            } else {
                failed_ = true;
            }
        }
        return failed_ ? std::vector<claim>{} : std::move(claims_);
    }

private:
    void count_of_stages(const scope_item& s) {
        if (s.quantifier != claim_quantifier::exactly || !clause_.names_stages()) return;
        claim c;
        c.scope.kind = scope_kind::network;
        c.property = claim_property::stages;
        claim_value v;
        v.number = s.count;
        c.values = {v};
        claims_.push_back(std::move(c));
    }

    void join(const predicate_item& p, const std::optional<scope_item>& where) {
        using r = claim_relation;
        using q = claim_quantifier;
        claim c = p.part;
        const bool trend = c.relation == r::rises || c.relation == r::falls || c.relation == r::never_rises ||
                           c.relation == r::never_falls;
        const bool everywhere = !where || (where->quantifier == q::all && where->scope.kind == scope_kind::stages);
        if (c.scope.kind == scope_kind::numbers) {  // the end of a trend
            if (!everywhere) return refuse();
            return keep(std::move(c));
        }
        if (trend && (!everywhere || is_word(c.property))) return refuse();
        if (where) {
            c.scope = where->scope;
            c.quantifier = where->quantifier;
            c.count = where->count;
        }
        // A value for each stage, in order.
        const bool listed = everywhere && c.relation == r::set_of && c.values.size() == stages_;
        if (clause_.respectively() || listed) return spread(c, where);
        if (c.relation == r::set_of && repeats(c.values)) return refuse();
        const bool single = !c.values.empty() && c.relation != r::set_of && !c.compared;
        if (!where || where->bare) {
            const bool layers = c.property == claim_property::num_layers && (!where || clause_.total());
            if (c.compared || c.relation == r::highest || c.relation == r::lowest || c.relation == r::peak || c.share)
                return refuse();
            if (is_cost(c.property) || (layers && single)) {
                if (!single) return refuse();
                c.scope.kind = scope_kind::network;
                return keep(std::move(c));
            }
        } else if (clause_.total()) {
            return refuse();
        }
        const bool about_stages = c.relation == r::same || c.relation == r::set_of || c.relation == r::between;
        if ((c.relation == r::highest || c.relation == r::lowest) &&
            (c.scope.kind != scope_kind::numbers || (c.quantifier != q::all && c.quantifier != q::only) || c.negated ||
             is_word(c.property)))
            return refuse();
        if ((c.share || c.relation == r::peak) && (c.scope.kind != scope_kind::numbers || c.quantifier != q::all))
            return refuse();
        if ((about_stages || c.compared) && c.quantifier != q::all) return refuse();
        if (c.relation == r::set_of && c.negated) return refuse();
        if (c.negated && c.relation != r::same) {
            if (c.quantifier == q::all)
                c.quantifier = q::none, c.negated = false;
            else if (c.quantifier == q::none || c.quantifier == q::only)
                return refuse();
        }
        keep(std::move(c));
    }

    [[nodiscard]] static bool repeats(const std::vector<claim_value>& values) {
        for (std::size_t i = 0; i < values.size(); ++i)
            for (std::size_t k = 0; k < i; ++k)
                if (values[i].number == values[k].number && values[i].word == values[k].word) return true;
        return false;
    }

    /// `the stages output 16, 32 and 48 channels, respectively`.
    void spread(const claim& c, const std::optional<scope_item>& where) {
        if (c.relation != claim_relation::set_of || c.negated || (where && where->quantifier != claim_quantifier::all))
            return refuse();
        std::vector<std::size_t> numbers;
        const bool all = !where || where->scope.kind == scope_kind::stages;
        if (!all && where->scope.kind != scope_kind::numbers) return refuse();
        for (std::size_t s = 0; s < std::min(stages_, claim_scope::max_stages); ++s)
            if (all || (where->scope.numbers >> s & 1U) != 0) numbers.push_back(s);
        if (numbers.size() != c.values.size()) return refuse();
        for (std::size_t k = 0; k < numbers.size(); ++k) {
            claim one = c;
            one.relation = claim_relation::equal;
            one.values = {c.values[k]};
            one.scope = {};
            one.scope.kind = scope_kind::numbers;
            one.scope.numbers = std::uint64_t{1} << numbers[k];
            keep(std::move(one));
        }
    }

    void refuse() { failed_ = true; }
    void keep(claim c) { claims_.push_back(std::move(c)); }

    const clause_parser& clause_;
    std::size_t stages_;
    const std::optional<scope_item>& context_;
    std::vector<claim> claims_;
    bool failed_ = false;
};

/// Reads a text sentence by sentence, and keeps what later sentences refer to.
class explanation_reader {
public:
    explicit explanation_reader(std::size_t stages) : stages_(stages) {}

    [[nodiscard]] statement read(const sentence& s) {
        statement out{one_line(s.text, 400), {}};
        std::vector<word> words = word_reader(s.text).read();
        settle_but(words);
        if (!context_of_section_ && !s.list_item) context_.reset();

        std::uint64_t mentioned = 0;
        bool named = false, placed_before = false;
        std::optional<scope_item> heading;
        const std::span<const word> all(words);
        for (std::size_t begin = 0; begin <= words.size();) {
            std::size_t end = begin;
            while (end < words.size() && words[end].kind != word_class::split) ++end;
            clause_parser clause(all.subspan(begin, end - begin), stages_, mentioned);
            clause.pronoun_is_network = !named_before_ && !context_;
            clause.read();
            named = named || clause.names_stages() || !clause.understood();
            if (clause.understood()) {
                const auto places = [](const auto& item) { return std::holds_alternative<scope_item>(item); };
                const bool placed = std::any_of(clause.items().begin(), clause.items().end(), places);
                // What a second clause without stages is about, the first one decides in ways of its own.
                const bool hangs = placed_before && !placed;
                placed_before = placed_before || placed;
                const bool alone = begin == 0 && end == words.size();
                if (alone && clause.only_scope()) heading = std::get<scope_item>(clause.items()[0]);
                for (claim& c : hangs ? std::vector<claim>{} : claim_builder(clause, stages_, context_).build()) {
                    const auto same = [&](const claim& other) { return other.text() == c.text(); };
                    if (std::none_of(out.claims.begin(), out.claims.end(), same)) out.claims.push_back(std::move(c));
                }
            }
            begin = end + 1;
        }
        set_context(s, heading);
        named_before_ = named;
        return out;
    }

private:
    /// `every stage but stage 3`, `SE but no residual connection`, and `but` between clauses.
    static void settle_but(std::vector<claim_grammar::word>& words) {
        using wc = claim_grammar::word_class;
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i].kind != wc::but) continue;
            std::size_t next = i + 1;
            while (next < words.size() && words[next].kind == wc::filler) ++next;
            const wc k = next < words.size() ? words[next].kind : wc::split;
            const bool place = k == wc::stage || k == wc::ordinal || k == wc::last || k == wc::in;
            if (i > 0 && words[i - 1].kind == wc::stage && place)
                words[i].kind = wc::except;
            else if (k == wc::none || k == wc::negation || k == wc::value || k == wc::property || k == wc::number)
                words[i].kind = wc::conj;
            else
                words[i].kind = wc::split;
        }
    }

    /// A line that names stages and nothing else speaks for the list behind it, as a heading for its section.
    void set_context(const sentence& s, const std::optional<scope_item>& heading) {
        if (heading && heading->quantifier == claim_quantifier::all && !heading->bare)
            context_ = heading, context_of_section_ = s.heading;
        else if (s.heading)
            context_.reset();
    }

    std::size_t stages_;
    std::optional<scope_item> context_;
    bool named_before_ = false;
    bool context_of_section_ = false;
};

}  // namespace claim_grammar

/// The sentences of an explanation of a network with so many stages, each with its claims. Linear time in the length of
/// the text; any bytes. Of a text longer than `limit` bytes the beginning is read.
[[nodiscard]] inline std::vector<statement> statements_of(std::string_view text, std::size_t stages,
                                                          std::size_t limit = std::size_t{1} << 20U) {
    std::vector<statement> found;
    claim_grammar::explanation_reader reader(std::min(stages, claim_scope::max_stages));
    for (const claim_grammar::sentence& s : claim_grammar::sentences_of(text.substr(0, limit)))
        found.push_back(reader.read(s));
    return found;
}

}  // namespace llmnas
