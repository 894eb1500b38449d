// SPDX-License-Identifier: MIT
/// \file
/// The grammar of claims: one clause of an explanation, as words, read from left to right into scopes (which stages)
/// and predicates (what they have), and the two joined. A clause with a word or a construction that the grammar does
/// not know gives nothing: an explanation is better left unchecked than misunderstood.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <llmnas/llm/explanation_claim.hpp>
#include <llmnas/llm/explanation_words.hpp>

namespace llmnas::claim_grammar {

/// Which stages, as written.
struct scope_item {
    claim_scope scope;
    claim_quantifier quantifier = claim_quantifier::all;
    std::int32_t count = 0;
    bool bare = false;          ///< `the stages`: any other scope of the clause replaces it
    bool verb_follows = false;  ///< it is the subject of what follows
    bool joined = false;        ///< `and` or a comma stands before it
};
/// What they have; the scope of the claim is still open.
struct predicate_item {
    claim part;
    bool adverb_negated = false;  ///< by `not`, which may hold for more than this one
    bool joined = false;
};
using clause_item = std::variant<scope_item, predicate_item>;

class clause_parser {
public:
    /// `stages`: how many the network has. `mentioned`: stages named by number in the sentence so far, for `the rest`.
    clause_parser(std::span<const word> words, std::size_t stages, std::uint64_t& mentioned)
        : words_(words), stages_(stages), mentioned_(mentioned) {}

    /// Whether `it` and `they` mean the network here.
    bool pronoun_is_network = true;
    /// Read, and without words that mean more than the grammar knows.
    [[nodiscard]] bool understood() const noexcept { return !failed_; }
    /// The words name stages, and say nothing of them: a heading.
    [[nodiscard]] bool only_scope() const noexcept {
        return !failed_ && items_.size() == 1 && std::holds_alternative<scope_item>(items_[0]);
    }
    [[nodiscard]] const std::vector<clause_item>& items() const noexcept { return items_; }
    [[nodiscard]] bool total() const noexcept { return total_; }
    [[nodiscard]] bool respectively() const noexcept { return respectively_; }
    /// A clause that gives no more than a count: `five stages`.
    [[nodiscard]] bool names_stages() const noexcept { return named_; }

    void read() {
        if (!bound()) return fail();
        for (i_ = 0; i_ < words_.size() && !failed_;) step();
        if (!failed_) finish();
    }

private:
    using wc = word_class;

    void fail() { failed_ = true; }
    [[nodiscard]] wc at(std::size_t i) const { return i < words_.size() ? words_[i].kind : wc::split; }
    [[nodiscard]] bool is_filler(std::size_t i) const { return at(i) == wc::filler || at(i) == wc::with; }
    [[nodiscard]] std::size_t skip(std::size_t i) const {
        while (is_filler(i)) ++i;
        return i;
    }
    [[nodiscard]] std::size_t skip_light(std::size_t i) const {
        while (is_filler(i) || at(i) == wc::in || at(i) == wc::verb || at(i) == wc::colon) ++i;
        return i;
    }
    [[nodiscard]] static bool places(wc k) {
        return k == wc::stage || k == wc::ordinal || k == wc::last || k == wc::early || k == wc::middle ||
               k == wc::late || k == wc::rest || k == wc::all || k == wc::most || k == wc::some || k == wc::only ||
               k == wc::except;
    }

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
                ++i_;
                range_ = true;
                return;
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

    // --- scopes -----------------------------------------------------------------------------------------------------

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

    // --- predicates -------------------------------------------------------------------------------------------------

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

    std::span<const word> words_;
    std::size_t stages_;
    std::uint64_t& mentioned_;
    std::size_t i_ = 0;
    std::vector<clause_item> items_;
    bool failed_ = false, total_ = false, respectively_ = false, joined_ = false, named_ = false;
    bool negated_ = false, adverb_ = false, only_ = false, same_ = false, range_ = false, from_ = false;
    bool pending_peak_ = false;
    std::optional<claim_property> pending_;
    std::optional<claim_relation> relation_, trend_;
    std::optional<word_class> comparison_, superlative_;
};

}  // namespace llmnas::claim_grammar
