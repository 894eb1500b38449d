// SPDX-License-Identifier: MIT
/// \file
/// Predicates of numbers in a clause: values, ranges, shares; and how any predicate is added.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/llm/explanation_scopes.hpp>

namespace llmnas::claim_grammar {

class number_grammar : public scope_grammar {
public:
    using scope_grammar::scope_grammar;

protected:
    void set(std::optional<wc>& what, wc kind) {
        if (what) return fail();
        what = kind;
        ++i_;
    }
    void negate(bool adverb) {
        if (negated_) return fail();
        negated_ = true;
        adverb_ = adverb;
    }

    [[nodiscard]] predicate_item* last_predicate() {
        return items_.empty() ? nullptr : std::get_if<predicate_item>(&items_.back());
    }

    void add(claim c) {
        predicate_item p{std::move(c), false, std::exchange(joined_, false)};
        if (relation_) {
            if (p.part.relation != claim_relation::equal || p.part.values.size() != 1 || is_word(p.part.property))
                return fail();
            p.part.relation = *std::exchange(relation_, std::nullopt);
            if (p.part.relation == claim_relation::peak) return fail();
        }
        if (std::exchange(negated_, false)) {
            p.part.negated = true;
            p.adverb_negated = std::exchange(adverb_, false);
        } else if (const auto* before = last_predicate(); before != nullptr && before->adverb_negated) {
            return fail();  // `does not use X and Y`
        }
        if (std::exchange(only_, false)) {
            // `uses only ReLU6`; but `stage 4 only has SE` says nothing of others.
            if (p.part.property == claim_property::use_se || p.part.property == claim_property::skip_op) return fail();
            if (items_.empty() && p.part.property != claim_property::activation &&
                p.part.property != claim_property::conv_type && p.part.property != claim_property::kernel_size)
                return fail();
        }
        if (comparison_ || superlative_ || range_ || from_ || trend_) return fail();
        pending_.reset();
        pending_peak_ = false;
        items_.push_back(std::move(p));
    }

    [[nodiscard]] static claim part(claim_property p, claim_relation r = claim_relation::equal) {
        claim c;
        c.property = p;
        c.relation = r;
        return c;
    }
    static void take(claim& c, std::vector<claim_value> values) {
        if (values.size() > 1) c.relation = claim_relation::set_of;
        c.values = std::move(values);
    }

    void read_number() {
        if (from_ || range_) return read_range();
        std::vector<claim_value> values{words_[i_].value};
        const bool kernel = words_[i_].kernel;
        const claim_unit unit = words_[i_].value.unit;
        std::size_t k = i_ + 1;
        while (true) {
            std::size_t next = k;
            while (at(next) == wc::conj) ++next;
            if (next == k || at(next) != wc::number || words_[next].kernel != kernel || words_[next].value.unit != unit)
                break;
            const wc behind = at(skip(next + 1));
            if (pending_ && (behind == wc::property || behind == wc::stage) && !names(*pending_, next)) break;
            // `2 and 1 in the later ones`: the second belongs to what follows only if the first had its own place.
            values.push_back(words_[next].value);
            k = next + 1;
        }
        std::optional<claim_property> p;
        std::size_t behind = skip(k);
        bool share = false;
        const bool own_noun = at(behind) == wc::property && (!pending_ || *pending_ == words_[behind].property);
        if (own_noun) {
            p = words_[behind].property;
            k = behind + 1;
        } else if (at(behind) == wc::stage && words_[behind].value.number == 2 && !kernel && !pending_) {
            p = claim_property::num_layers;
            k = behind + 1;
        } else if (pending_) {
            p = pending_;
        } else if (kernel) {
            p = claim_property::kernel_size;
        } else if (!items_.empty() && std::holds_alternative<scope_item>(items_.back())) {
            for (const clause_item& item : items_)  // gapping: `stride 2 in stage 1 and 1 in stage 2`
                if (const auto* before = std::get_if<predicate_item>(&item)) p = before->part.property;
            if (p && is_word(*p)) p.reset();
        }
        if (!p || is_word(*p) || (kernel && *p != claim_property::kernel_size)) return fail();
        if (unit == claim_unit::percent) {
            if (!is_cost(*p) || values.size() != 1) return fail();
            share = true;
        } else if ((unit == claim_unit::none) == (*p == claim_property::sram || *p == claim_property::flash)) {
            return fail();  // bytes have a unit, and nothing else has
        }
        if (kernel && at(skip(k)) == wc::property && words_[skip(k)].property == claim_property::kernel_size)
            k = skip(k) + 1;
        claim c = part(*p);
        c.share = share;
        take(c, std::move(values));
        i_ = k;
        add(std::move(c));
    }

    /// Whether the number at i is followed by this property's noun.
    [[nodiscard]] bool names(claim_property p, std::size_t i) const {
        const std::size_t k = skip(i + 1);
        return at(k) == wc::property && words_[k].property == p;
    }

    /// `from 16 to 128`, `between 3 and 7`.
    void read_range() {
        std::size_t k = i_ + 1;
        const word& low = words_[i_];
        if (at(k) == wc::property && !pending_) pending_ = words_[k].property, ++k;
        if (at(k) != wc::to && at(k) != wc::conj) return fail();
        ++k;
        if (at(k) != wc::number) return fail();
        const word& high = words_[k];
        if (!pending_) {
            const std::size_t noun = skip(k + 1);
            if (at(noun) != wc::property) return fail();
            pending_ = words_[noun].property;
            k = noun;
        } else if (names(*pending_, k)) {
            k = skip(k + 1);
        }
        if (is_word(*pending_) || low.value.unit != high.value.unit) return fail();
        const claim_property p = *pending_;
        const bool ascending = low.value.number < high.value.number;
        i_ = k + 1;
        from_ = false;
        range_ = false;
        if (const auto trend = std::exchange(trend_, std::nullopt)) {
            if (ascending != (*trend == claim_relation::rises) || negated_) return fail();
            add(part(p, *trend));
            if (failed_) return;
            for (const bool first : {true, false}) {
                claim end = part(p);
                end.values = {first ? low.value : high.value};
                end.scope.kind = scope_kind::numbers;
                end.scope.numbers = bit(first ? 1 : stages_);
                add(std::move(end));
            }
            return;
        }
        if (!ascending) return fail();
        claim c = part(p, claim_relation::between);
        c.values = {low.value, high.value};
        add(std::move(c));
    }

    void read_half() {
        const std::size_t k = skip(i_ + 1);
        if (at(k) != wc::property || !is_cost(words_[k].property)) return fail();
        claim c = part(words_[k].property);
        c.share = true;
        claim_value v;
        v.number = 50;
        v.precision = 0.5;
        v.unit = claim_unit::percent;
        c.values = {v};
        i_ = k + 1;
        add(std::move(c));
    }
    void read_most_of() {
        const std::size_t k = skip(i_ + 1);
        if (at(k) != wc::property || !is_cost(words_[k].property) || relation_) return fail();
        claim c = part(words_[k].property, claim_relation::more);
        c.share = true;
        claim_value v;
        v.number = 50;
        v.unit = claim_unit::percent;
        c.values = {v};
        i_ = k + 1;
        add(std::move(c));
    }
};

}  // namespace llmnas::claim_grammar
