// SPDX-License-Identifier: MIT
/// \file
/// Scopes in a clause: which stages are spoken of, and how many of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include <llmnas/llm/explanation_places.hpp>

namespace llmnas::claim_grammar {

class scope_grammar : public place_grammar {
public:
    using place_grammar::place_grammar;

protected:
    /// A quantifier and stages at i_, if they stand there.
    bool read_scope() {
        scope_item s;
        std::size_t i = i_;
        bool quantified = false;
        switch (at(i)) {
            case wc::all:
                quantified = true;
                ++i;
                break;
            case wc::none:
                i = skip(i + 1);
                if (!starts_place(i)) return false;
                s.quantifier = claim_quantifier::none;
                quantified = true;
                break;
            case wc::negation:
                if (at(i + 1) != wc::all) return false;
                s.quantifier = claim_quantifier::not_all;
                quantified = true;
                i += 2;
                break;
            case wc::some:
                s.quantifier = claim_quantifier::some;
                quantified = true;
                ++i;
                break;
            case wc::most:
            case wc::most_of:
                i = skip(i + 1);
                if (!starts_place(i)) return false;
                s.quantifier = claim_quantifier::most;
                quantified = true;
                break;
            case wc::relation:
            case wc::number:
                if (!read_count(s, i)) return false;
                return add_scope(s, i);
            default:
                break;
        }
        std::size_t next = skip(i);
        if (quantified && at(next) == wc::number && at(skip(next + 1)) == wc::stage &&
            words_[next].value.unit == claim_unit::none) {
            // `all five stages`: the count must be right, else the sentence is of another network.
            if (s.quantifier != claim_quantifier::all || words_[next].value.number != static_cast<double>(stages_)) {
                fail();
                return true;
            }
            return add_scope(s, skip(next + 1) + 1);
        }
        if (quantified && next == i && at(next) == wc::ordinal) return fail(), true;  // `every second stage`
        if (type_scope(s, next)) return add_scope(s, next);
        if (read_place(s, next)) return add_scope(s, next);
        if (failed_) return true;
        if (!quantified) return false;
        // An adverb: `throughout`, `selectively`. Behind a subject it adds nothing.
        if (s.quantifier == claim_quantifier::all && !items_.empty()) {
            const auto* subject = std::get_if<scope_item>(&items_.front());
            const auto* last = std::get_if<scope_item>(&items_.back());
            if ((last != nullptr && !last->bare) ||
                ((i == words_.size() || at(i) == wc::conj) && subject != nullptr && !subject->bare)) {
                i_ = i;
                return true;
            }
        }
        if (s.quantifier != claim_quantifier::all && s.quantifier != claim_quantifier::some) {
            fail();
            return true;
        }
        return add_scope(s, i);
    }

    /// `two stages`, `at least two stages`, `three of the five stages`.
    bool read_count(scope_item& s, std::size_t& i) {
        claim_relation r = claim_relation::equal;
        std::size_t k = i;
        if (at(k) == wc::relation) r = words_[k].relation, k = skip(k + 1);
        if (at(k) != wc::number) return false;
        const claim_value& v = words_[k].value;
        if (v.unit != claim_unit::none || words_[k].kernel) return false;
        std::size_t noun = skip(k + 1);
        if (at(noun) == wc::number) noun = skip(noun + 1);
        if (at(noun) == wc::rest) return false;
        if (at(noun) != wc::stage || words_[noun].value.number != 1 || v.number > 64) return false;
        if (noun + 1 < words_.size() && at(noun + 1) == wc::number && noun == k + 1) return false;
        s.count = static_cast<std::int32_t>(v.number);
        using q = claim_quantifier;
        switch (r) {
            case claim_relation::equal:
                s.quantifier = q::exactly;
                break;
            case claim_relation::at_least:
                s.quantifier = q::at_least;
                break;
            case claim_relation::more:
                s.quantifier = q::at_least;
                ++s.count;
                break;
            case claim_relation::less:
                s.quantifier = q::fewer;
                break;
            case claim_relation::at_most:
                s.quantifier = q::fewer;
                ++s.count;
                break;
            default:
                fail();
                return true;
        }
        if (s.quantifier == q::at_least && s.count == 1) s.quantifier = q::any, s.count = 0;
        i = noun + 1;
        return true;
    }

    /// `MBConv stages` as those that something is said of.
    bool type_scope(scope_item& s, std::size_t& i) {
        if (!items_.empty() || at(i) != wc::value || words_[i].property != claim_property::conv_type ||
            at(i + 1) != wc::stage)
            return false;
        bool says_more = false;
        for (std::size_t k = i + 2; k < words_.size(); ++k) {
            if (places(at(k)) || (at(k) == wc::number && at(k + 1) == wc::stage)) return false;
            says_more = says_more || at(k) == wc::property || at(k) == wc::value || at(k) == wc::number;
        }
        if (!says_more) return false;
        s.scope.kind = scope_kind::of_type;
        s.scope.type = words_[i].value.word;
        i += 2;
        return true;
    }

    bool add_scope(scope_item s, std::size_t next) {
        if (failed_) return true;
        named_ = true;
        s.joined = std::exchange(joined_, false);
        i_ = next;
        if (s.scope.kind == scope_kind::numbers) mentioned_ |= s.scope.numbers;
        if (comparison_) return fail(), true;
        if (std::exchange(only_, false)) {
            if (s.bare && !items_.empty()) {  // `stage 4 is the only stage with`
                if (auto* before = std::get_if<scope_item>(&items_.back()))
                    return before->quantifier = claim_quantifier::only, true;
            }
            if (s.quantifier == claim_quantifier::all && !s.bare)
                s.quantifier = claim_quantifier::only;
            else if (s.quantifier != claim_quantifier::exactly)
                return fail(), true;
        }
        if (!items_.empty())
            if (auto* before = std::get_if<scope_item>(&items_.back())) return merge(*before, s), true;
        items_.push_back(s);
        return true;
    }

    /// Two scopes behind each other: `stage 1 and stage 2`, `the stages` and then which.
    void merge(scope_item& before, scope_item s) {
        const bool everything = s.scope.kind == scope_kind::stages && s.quantifier == claim_quantifier::all;
        if (before.scope.kind == scope_kind::except && everything) return;
        if (before.bare) {
            before = s;
            return;
        }
        if (s.bare) return;
        const bool lists =
            s.joined && before.quantifier == claim_quantifier::all && s.quantifier == claim_quantifier::all;
        if (before.scope.kind == scope_kind::numbers && s.scope.kind == scope_kind::numbers &&
            (lists ||
             (s.joined && before.quantifier == claim_quantifier::only && s.quantifier == claim_quantifier::all))) {
            before.scope.numbers |= s.scope.numbers;
        } else if (lists && before.scope.kind == scope_kind::vague && s.scope.kind == scope_kind::vague) {
            before.scope.early |= s.scope.early;
            before.scope.middle |= s.scope.middle;
            before.scope.late |= s.scope.late;
        } else {
            fail();
        }
    }

    void read_except() {
        scope_item s;
        std::size_t i = skip_light(i_ + 1);
        if (!read_place(s, i) || s.bare || s.scope.kind != scope_kind::numbers) return fail();
        i_ = i;
        s.scope.kind = scope_kind::except;
        for (clause_item& item : items_)
            if (auto* all = std::get_if<scope_item>(&item)) {
                if (all->scope.kind != scope_kind::stages || all->quantifier != claim_quantifier::all) return fail();
                all->scope = s.scope;
                all->bare = false;
                return;
            }
        items_.push_back(s);
    }
};

}  // namespace llmnas::claim_grammar
