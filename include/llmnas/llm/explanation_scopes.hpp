// SPDX-License-Identifier: MIT
/// \file
/// Scopes in a clause: which stages are spoken of, and how many of them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include <llmnas/llm/explanation_clause.hpp>

namespace llmnas::claim_grammar {

class scope_grammar : public clause_state {
public:
    using clause_state::clause_state;

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
                return add_scope(std::move(s), i);
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
            return add_scope(std::move(s), skip(next + 1) + 1);
        }
        if (quantified && next == i && at(next) == wc::ordinal) return fail(), true;  // `every second stage`
        if (type_scope(s, next)) return add_scope(std::move(s), next);
        if (read_place(s, next)) return add_scope(std::move(s), next);
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
        return add_scope(std::move(s), i);
    }

    [[nodiscard]] bool starts_place(std::size_t i) const {
        const wc k = at(i);
        return k == wc::stage || k == wc::ordinal || k == wc::last || k == wc::early || k == wc::middle ||
               k == wc::late || k == wc::rest;
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

    [[nodiscard]] static std::uint64_t bit(std::size_t stage) { return std::uint64_t{1} << (stage - 1); }
    [[nodiscard]] std::uint64_t everything() const { return stages_ >= 64 ? ~std::uint64_t{0} : bit(stages_ + 1) - 1; }
    [[nodiscard]] bool is_stage_number(std::size_t i) const {
        const claim_value& v = words_[i].value;
        return at(i) == wc::number && v.unit == claim_unit::none && !words_[i].kernel && v.number >= 1 &&
               v.number <= static_cast<double>(stages_) && v.number <= 64 &&
               v.number == static_cast<double>(static_cast<int>(v.number));
    }

    /// Stages at i: `stages 1, 2 and 5`, `first two stages`, `early and middle stages`, `the rest`, `stages`.
    bool read_place(scope_item& s, std::size_t& i) {
        switch (at(i)) {
            case wc::stage:
                return read_numbers(s, i);
            case wc::ordinal:
            case wc::last:
                return read_ordinals(s, i);
            case wc::early:
            case wc::middle:
            case wc::late:
                return read_vague(s, i);
            case wc::rest:
                return read_rest(s, i);
            default:
                return false;
        }
    }

    bool read_numbers(scope_item& s, std::size_t& i) {
        const bool is_stage = words_[i].value.number == 1;
        std::size_t k = i + 1;
        if (at(k) != wc::number || words_[k].kernel) {
            s.bare = s.quantifier == claim_quantifier::all && !(i > i_ && at(i_) == wc::all);
            i = k;
            return true;
        }
        // `block 3` may be a block or, in the published format, a stage.
        if (!is_stage || !is_stage_number(k)) return fail(), false;
        s.scope.kind = scope_kind::numbers;
        std::size_t last = number_at(k);
        s.scope.numbers = bit(last);
        for (++k;;) {
            std::size_t next = k;
            if (at(next) == wc::to) {
                if (!is_stage_number(next + 1) || number_at(next + 1) <= last) break;
                for (std::size_t n = last; n <= number_at(next + 1); ++n) s.scope.numbers |= bit(n);
                last = number_at(next + 1);
                k = next + 2;
                continue;
            }
            while (at(next) == wc::conj) ++next;
            if (next == k || next >= words_.size() || !is_stage_number(next) || number_at(next) <= last) break;
            const wc behind = at(skip(next + 1));
            if (behind == wc::property || behind == wc::stage || at(next + 1) == wc::in) break;
            last = number_at(next);
            s.scope.numbers |= bit(last);
            k = next + 1;
        }
        i = k;
        return true;
    }
    [[nodiscard]] std::size_t number_at(std::size_t i) const {
        return static_cast<std::size_t>(words_[i].value.number);
    }

    bool read_ordinals(scope_item& s, std::size_t& i) {
        s.scope.kind = scope_kind::numbers;
        std::size_t k = i;
        while (true) {
            std::size_t n = at(k) == wc::last ? stages_ : number_at(k);
            if (n < 1 || n > stages_) return fail(), false;
            const bool from_end = at(k) == wc::last;
            s.scope.numbers |= bit(n);
            ++k;
            if (at(k) == wc::number && !words_[k].kernel) {  // `first two`
                const std::size_t count = is_stage_number(k) ? number_at(k) : 0;
                if (count == 0 || (!from_end && n != 1)) return fail(), false;
                for (std::size_t c = 0; c < count; ++c) s.scope.numbers |= bit(from_end ? n - c : n + c);
                ++k;
            }
            std::size_t next = k;
            while (at(next) == wc::conj || is_filler(next)) ++next;
            if (at(next) != wc::ordinal && at(next) != wc::last) break;
            k = next;
        }
        // `the first two layers` are blocks, whose number in the network is another.
        if (at(k) != wc::stage || words_[k].value.number != 1) return fail(), false;
        i = k + 1;
        return true;
    }

    bool read_vague(scope_item& s, std::size_t& i) {
        s.scope.kind = scope_kind::vague;
        std::size_t k = i;
        while (true) {
            if (at(k) == wc::early) s.scope.early = true;
            if (at(k) == wc::middle) s.scope.middle = true;
            if (at(k) == wc::late) s.scope.late = true;
            ++k;
            if (at(k) == wc::stage) ++k;
            std::size_t next = k;
            while (at(next) == wc::conj || at(next) == wc::to || is_filler(next)) ++next;
            if (next == k || (at(next) != wc::early && at(next) != wc::middle && at(next) != wc::late)) break;
            k = next;
        }
        if (at(k) == wc::number && at(k + 1) == wc::stage) return fail(), false;
        i = k;
        return true;
    }

    bool read_rest(scope_item& s, std::size_t& i) {
        const std::uint64_t others = everything() & ~mentioned_;
        std::size_t k = skip(i + 1);
        if (at(k) == wc::number && !words_[k].kernel) {
            if (words_[k].value.number != std::popcount(others)) return fail(), false;
            k = skip(k + 1);
        }
        if (at(k) == wc::stage) ++k;
        if (mentioned_ == 0 || others == 0) return fail(), false;
        s.scope.kind = scope_kind::numbers;
        s.scope.numbers = others;
        i = k;
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
            if (auto* before = std::get_if<scope_item>(&items_.back())) return merge(*before, std::move(s)), true;
        items_.push_back(std::move(s));
        return true;
    }

    /// Two scopes behind each other: `stage 1 and stage 2`, `the stages` and then which.
    void merge(scope_item& before, scope_item s) {
        const bool everything = s.scope.kind == scope_kind::stages && s.quantifier == claim_quantifier::all;
        if (before.scope.kind == scope_kind::except && everything) return;
        if (before.bare) {
            before = std::move(s);
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
        items_.push_back(std::move(s));
    }
};

}  // namespace llmnas::claim_grammar
