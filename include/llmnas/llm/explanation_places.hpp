// SPDX-License-Identifier: MIT
/// \file
/// Places in a clause: stages by their numbers, by their order, vaguely, or as the rest.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <llmnas/llm/explanation_clause.hpp>

namespace llmnas::claim_grammar {

class place_grammar : public clause_state {
public:
    using clause_state::clause_state;

protected:
    [[nodiscard]] bool starts_place(std::size_t i) const {
        const wc k = at(i);
        return k == wc::stage || k == wc::ordinal || k == wc::last || k == wc::early || k == wc::middle ||
               k == wc::late || k == wc::rest;
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
};

}  // namespace llmnas::claim_grammar
