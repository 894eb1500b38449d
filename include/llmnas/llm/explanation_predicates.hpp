// SPDX-License-Identifier: MIT
/// \file
/// Predicates in a clause: properties, values, comparisons and trends that the stages are said to have.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/llm/explanation_numbers.hpp>

namespace llmnas::claim_grammar {

class predicate_grammar : public number_grammar {
public:
    using number_grammar::number_grammar;

protected:
    void read_property() {
        const word& w = words_[i_];
        const claim_property p = w.property;
        if (superlative_) {
            const bool most = *std::exchange(superlative_, std::nullopt) == wc::the_most;
            ++i_;
            return add(part(p, most ? claim_relation::highest : claim_relation::lowest));
        }
        if (std::exchange(same_, false)) {
            ++i_;
            return add(part(p, claim_relation::same));
        }
        if (comparison_) return read_comparison(p, i_ + 1);
        if (const auto* before = last_predicate(); before != nullptr && before->part.property == p && !joined_) {
            // `ReLU6 activation`; `downsample with stride 2` says the same twice.
            const std::size_t next = skip(i_ + 1);
            if (at(next) != wc::number) return void(++i_);
            if (before->part.values.size() == 1 && before->part.values[0].number == words_[next].value.number)
                return void(i_ = next + 1);
        }
        if (pending_ && *pending_ != p) {
            // `activation function`, `peak of the flash`: two properties and no value between them
            return fail();
        }
        pending_ = p;
        pending_peak_ = w.relation == claim_relation::peak;
        ++i_;
    }

    void read_ratio() {
        std::optional<claim_property> p;
        if (pending_ == claim_property::expansion_factor) p = pending_;
        for (const clause_item& item : items_)
            if (const auto* before = std::get_if<predicate_item>(&item)) {
                if (before->part.property == claim_property::use_se) p = claim_property::se_ratio;
                if (before->part.property == claim_property::expansion_factor) p = claim_property::expansion_factor;
            }
        if (!p || (pending_ && pending_ != p)) return fail();
        pending_ = p;
        ++i_;
    }

    void read_value() {
        const claim_property p = words_[i_].property;
        if (pending_ && *pending_ != p) return fail();
        std::vector<claim_value> values{words_[i_].value};
        std::size_t k = i_ + 1;
        while (is_word(p)) {
            std::size_t next = k;
            while (at(next) == wc::conj) ++next;
            if (next == k || at(next) != wc::value || words_[next].property != p) break;
            // `ReLU6 in .. and LeakyReLU in ..` has something between the two; here nothing has.
            values.push_back(words_[next].value);
            k = next + 1;
        }
        if (at(k) == wc::stage) {
            // `MBConv blocks`, and behind a subject `are MBConv stages`.
            const bool has_number = at(k + 1) == wc::number;
            if (has_number) return fail();
            if (p != claim_property::conv_type && p != claim_property::use_se && p != claim_property::skip_op)
                return fail();
            if (p == claim_property::skip_op) return fail();  // a residual block is another thing
            ++k;
        }
        claim c = part(p);
        take(c, std::move(values));
        i_ = k;
        add(std::move(c));
    }

    /// `replaces X by Y`: Y is what is there.
    void read_replaced() {
        const std::size_t x = skip(i_ + 1);
        std::size_t y = skip(x + 1);
        if (at(x) != wc::value || (at(y) != wc::by && !is_filler(y))) {
            if (at(x) != wc::value || !is_filler(x + 1)) return fail();
            y = x + 1;
        }
        y = skip(at(y) == wc::by ? y + 1 : y);
        if (at(y) != wc::value || words_[y].property != words_[x].property) return fail();
        i_ = y;
        read_value();
    }

    void read_relation() {
        const claim_relation r = words_[i_].relation;
        const std::size_t next = skip_light(i_ + 1);
        if (pending_ && starts_place(next) && (r == claim_relation::more || r == claim_relation::less)) {
            comparison_ = r == claim_relation::more ? wc::compare_more : wc::compare_less;
            return read_comparison(*pending_, next);
        }
        if (relation_) {
            // `exactly`, `about` in front of another one change it in ways of their own.
            return fail();
        }
        relation_ = r;
        ++i_;
    }

    /// `more layers than stage 3`, from behind the property.
    void read_comparison(claim_property p, std::size_t i) {
        const wc kind = *std::exchange(comparison_, std::nullopt);
        const wc joint = kind == wc::as_many_as ? wc::as_many_as : wc::than;
        std::size_t k = skip_light(i);
        if (at(k) == joint)
            k = skip_light(k + 1);
        else if (k != i || !starts_place(k))
            return fail();
        scope_item other;
        if (!read_place(other, k) || other.bare) return fail();
        if (other.scope.kind == scope_kind::numbers) mentioned_ |= other.scope.numbers;
        if (is_word(p) || p == claim_property::stages) return fail();
        claim c = part(p, kind == wc::compare_more   ? claim_relation::more
                          : kind == wc::compare_less ? claim_relation::less
                                                     : claim_relation::equal);
        c.compared = true;
        c.other = other.scope;
        i_ = k;
        add(std::move(c));
    }

    void read_superlative() {
        const word& w = words_[i_];
        const claim_relation r = w.kind == wc::the_most ? claim_relation::highest : claim_relation::lowest;
        if (!w.value.word.empty()) {
            ++i_;
            if (at(i_) == wc::stage) ++i_;
            return add(part(w.property, r));
        }
        if (pending_) {
            ++i_;
            return add(part(*pending_, r));
        }
        set(superlative_, w.kind);
    }

    void read_same() {
        const bool differs = words_[i_].kind == wc::differs;
        std::size_t next = skip_light(i_ + 1);
        if (!differs && at(next) == wc::to) next = skip_light(next + 1);
        if (!differs && (at(next) == wc::number || at(next) == wc::relation) && pending_) {  // `fixed at 3`
            i_ = next;
            return;
        }
        ++i_;
        if (pending_) {
            claim c = part(*pending_, claim_relation::same);
            if (differs && std::exchange(negated_, false)) {
                adverb_ = false;
            } else if (differs) {
                negated_ = true;
            }
            return add(std::move(c));
        }
        if (differs || same_) return fail();
        same_ = true;
    }

    void read_trend() {
        const claim_relation r = words_[i_].kind == wc::rises ? claim_relation::rises : claim_relation::falls;
        // `falls` in `half of the MACs fall in stage 3` is a verb like others.
        if (auto* before = last_predicate(); before != nullptr && !pending_) {
            if (before->part.share) return void(++i_);
            return fail();
        }
        if (!pending_ || trend_) return fail();
        ++i_;
        const std::size_t next = skip_light(i_);
        if (at(next) == wc::from) {
            trend_ = r;
            i_ = next;
            return;
        }
        claim_relation relation = r;
        if (std::exchange(negated_, false)) {
            adverb_ = false;
            relation = r == claim_relation::rises ? claim_relation::never_rises : claim_relation::never_falls;
        }
        add(part(*pending_, relation));
    }
};

}  // namespace llmnas::claim_grammar
