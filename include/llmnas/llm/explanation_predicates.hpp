// SPDX-License-Identifier: MIT
/// \file
/// Predicates in a clause: what the stages are said to have.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/llm/explanation_scopes.hpp>

namespace llmnas::claim_grammar {

class predicate_grammar : public scope_grammar {
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
        } else if (unit != claim_unit::none && *p != claim_property::sram && *p != claim_property::flash) {
            return fail();
        } else if (unit == claim_unit::none && (*p == claim_property::sram || *p == claim_property::flash)) {
            return fail();  // of what unit?
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
