// SPDX-License-Identifier: MIT
/// \file
/// The grammar of claims: one clause of an explanation, as words, read from left to right into scopes (which stages)
/// and predicates (what they have), and the two joined. A clause with a word or a construction that the grammar does
/// not know gives nothing: an explanation is better left unchecked than misunderstood.
#pragma once

#include <cstddef>
#include <variant>

#include <llmnas/llm/explanation_predicates.hpp>

namespace llmnas::claim_grammar {

class clause_parser : public predicate_grammar {
public:
    using predicate_grammar::predicate_grammar;

    void read() {
        if (!bound()) return fail();
        for (i_ = 0; i_ < words_.size() && !failed_;) step();
        if (!failed_) finish();
    }

private:
    /// Ends the clause where purpose or reason begins, unless stages or numbers are still to come.
    bool bound() {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            const wc k = at(i);
            if (k == wc::hedge || k == wc::this_one) return false;
            if (k == wc::pronoun && !pronoun_is_network) return false;
            // `stage 3 is the only stage that uses`
            if (k == wc::cut && i > 1 && at(i - 2) == wc::only && at(i - 1) == wc::stage && at(i + 1) == wc::verb)
                continue;
            const bool leads_to = k == wc::cut || k == wc::to;
            if (!leads_to || places(at(skip(i + 1))) || (k == wc::to && at(skip(i + 1)) == wc::number)) continue;
            for (std::size_t rest = i; rest < words_.size(); ++rest)
                if (places(at(rest)) || at(rest) == wc::number || at(rest) == wc::hedge) return false;
            words_ = words_.first(i);
        }
        return true;
    }

    void step() {
        const word& w = words_[i_];
        switch (w.kind) {
            case wc::filler:
            case wc::colon:
            case wc::in:
            case wc::network:
            case wc::pronoun:
            case wc::cut:
            case wc::factor:
            case wc::by:
                ++i_;
                return;
            case wc::both:  // `stages 1 and 2 both use`
                if (at(i_ + 1) != wc::stage && !(at(i_ + 1) == wc::verb && !items_.empty() && i_ > 0)) return fail();
                ++i_;
                return;
            case wc::with:
                if (restricts()) return fail();
                ++i_;
                return;
            case wc::conj:
                joined_ = true;
                ++i_;
                return;
            case wc::verb:
                if (!items_.empty())
                    if (auto* s = std::get_if<scope_item>(&items_.back())) s->verb_follows = true;
                ++i_;
                return;
            case wc::total:
                total_ = true;
                ++i_;
                return;
            case wc::respectively:
                respectively_ = true;
                ++i_;
                return;
            default:
                break;
        }
        if (read_scope()) return;
        switch (w.kind) {
            case wc::number:
                return read_number();
            case wc::half_of:
                return read_half();
            case wc::most_of:
                return read_most_of();
            case wc::property:
                return read_property();
            case wc::ratio:
                return read_ratio();
            case wc::value:
                return read_value();
            case wc::replaced:
                return read_replaced();
            case wc::relation:
                return read_relation();
            case wc::compare_more:
            case wc::compare_less:
            case wc::as_many_as:
                return set(comparison_, w.kind);
            case wc::most:
                return at(i_ + 1) == wc::property ? set(superlative_, wc::the_most) : fail();
            case wc::the_most:
            case wc::the_least:
                return read_superlative();
            case wc::same:
            case wc::differs:
                return read_same();
            case wc::rises:
            case wc::falls:
                return read_trend();
            case wc::range:
            case wc::between:
                ++i_;
                range_ = true;
                return;
            case wc::from:
                ++i_;
                from_ = true;
                return;
            case wc::to:
                ++i_;
                return;
            case wc::none:
                ++i_;
                return negate(false);
            case wc::negation:
                ++i_;
                return negate(true);
            case wc::except:
                return read_except();
            case wc::only:
                ++i_;
                only_ = true;
                return;
            default:
                return fail();
        }
    }

    /// `all stages with SE use ..`: what is said holds for some of them only.
    [[nodiscard]] bool restricts() const {
        if (i_ == 0 || at(i_ - 1) != wc::stage || items_.empty()) return false;
        const auto* s = std::get_if<scope_item>(&items_.back());
        if (s == nullptr || s->scope.kind == scope_kind::numbers || s->scope.kind == scope_kind::vague) return false;
        for (std::size_t i = i_ + 1; i < words_.size(); ++i)
            if (at(i) == wc::verb || at(i) == wc::rises || at(i) == wc::falls) return true;
        return false;
    }

    /// What is still open at the end of the clause.
    void finish() {
        if (pending_peak_ && pending_ && items_.size() == 1 && std::holds_alternative<scope_item>(items_[0]) &&
            !relation_ && !negated_)
            add(part(claim_property::sram, claim_relation::peak));
        if (negated_) {  // `swish is not used`
            predicate_item* only = nullptr;
            for (clause_item& item : items_)
                if (auto* p = std::get_if<predicate_item>(&item)) {
                    if (only != nullptr) return fail();
                    only = p;
                }
            if (only == nullptr || only->part.negated) return fail();
            only->part.negated = true;
        }
        if (pending_ || relation_ || comparison_ || superlative_ || same_ || trend_ || range_ || from_ || only_) fail();
    }
};

}  // namespace llmnas::claim_grammar
