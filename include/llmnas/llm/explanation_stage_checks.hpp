// SPDX-License-Identifier: MIT
/// \file
/// Claims about stages against a network: one stage, and a set of them under a quantifier.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <llmnas/llm/explanation_measures.hpp>

namespace llmnas::claim_grammar {

class stage_verifier : protected claim_measures {
public:
    using claim_measures::claim_measures;

protected:
    // --- one stage --------------------------------------------------------------------------------------------------

    [[nodiscard]] claim_verdict check_word(const stage_facts& s, const claim_value& v) const {
        switch (c_.property) {
            case claim_property::use_se:
                return s.use_se ? said(*s.use_se) : claim_verdict::unclear;
            case claim_property::skip_op:
                return s.residual ? said(*s.residual) : claim_verdict::unclear;
            case claim_property::activation:
                return s.activation ? said(name_of(*s.activation) == v.word) : claim_verdict::unclear;
            case claim_property::conv_type: {
                const claim_verdict type = s.conv_type.empty() ? claim_verdict::unclear : said(s.conv_type == v.word);
                return v.loose ? agreed(type, said(s.depthwise_convolution)) : type;
            }
            default:
                return claim_verdict::unclear;
        }
    }

    [[nodiscard]] claim_verdict check_stage(const stage_facts& s) const {
        if (is_word(c_.property)) return c_.values.empty() ? claim_verdict::unclear : check_word(s, c_.values[0]);
        if (!has_it(s)) return claim_verdict::no;
        if (c_.property == claim_property::se_ratio && c_.relation == claim_relation::equal && s.use_se == true) {
            // The ratio is right where it gives the hidden channels, rounded as the published code does.
            for (const auto& [channels, hidden] : s.se_channels)
                if (std::max(1.0, std::floor(channels * c_.values[0].number + 1e-9)) != hidden)
                    return claim_verdict::no;
            return claim_verdict::yes;
        }
        const auto has = number_of(s);
        if (!has) return claim_verdict::unclear;
        return compare(*has, c_.relation, c_.values[0]);
    }

    // --- a set of stages --------------------------------------------------------------------------------------------

    [[nodiscard]] claim_verdict check_set(std::uint64_t set) const {
        std::vector<const stage_facts*> stages = members(set);
        if (c_.compared) return check_comparison(stages);
        switch (c_.relation) {
            case claim_relation::set_of:
                return check_values(stages);
            case claim_relation::between:
            case claim_relation::same:
                return check_spread(stages);
            case claim_relation::rises:
            case claim_relation::falls:
            case claim_relation::never_rises:
            case claim_relation::never_falls:
                return check_trend();
            case claim_relation::highest:
            case claim_relation::lowest:
                return check_extreme(set);
            case claim_relation::peak: {
                for (const stage_facts* s : stages)
                    if (s->sram == net_.total.sram.size) return claim_verdict::yes;
                return claim_verdict::no;
            }
            default:
                break;
        }
        if (c_.share) {
            double sum = 0;
            for (const stage_facts* s : stages) sum += number_of(*s).value_or(0);
            return c_.property == claim_property::sram ? claim_verdict::unclear
                                                       : compare(sum, c_.relation, c_.values[0]);
        }
        return quantified(stages, set);
    }

    [[nodiscard]] claim_verdict quantified(std::vector<const stage_facts*> stages, std::uint64_t set) const {
        using q = claim_quantifier;
        // What all stages have, they have where it exists: a depthwise block has no expansion that could be another.
        const bool everywhere = c_.scope.kind == scope_kind::stages || c_.scope.kind == scope_kind::except;
        if (everywhere && c_.quantifier == q::all)
            std::erase_if(stages, [&](const stage_facts* s) { return !has_it(*s); });
        std::size_t yes = 0, no = 0;
        for (const stage_facts* s : stages) {
            const claim_verdict v = c_.negated ? !check_stage(*s) : check_stage(*s);
            yes += v == claim_verdict::yes;
            no += v == claim_verdict::no;
        }
        const std::size_t n = stages.size(), open = n - yes - no, k = static_cast<std::size_t>(c_.count);
        const auto three = [](bool surely, bool surely_not) {
            return surely ? claim_verdict::yes : surely_not ? claim_verdict::no : claim_verdict::unclear;
        };
        switch (c_.quantifier) {
            case q::all: {
                const claim_verdict here = n == 0 ? claim_verdict::no : three(no == 0 && open == 0, no > 0);
                if (c_.scope.kind != scope_kind::except || here != claim_verdict::yes) return here;
                return others_lack_it(set);
            }
            case q::none: {
                const claim_verdict here = three(yes == 0 && open == 0, yes > 0);
                if (c_.scope.kind != scope_kind::except || here != claim_verdict::yes) return here;
                return others_have_it(set);
            }
            case q::any:
                return three(yes > 0, yes == 0 && open == 0);
            case q::some:
                return three(yes > 0 && no > 0, open == 0);
            case q::most:
                return three(2 * yes > n, 2 * (yes + open) <= n);
            case q::not_all:
                return three(no > 0, no == 0 && open == 0);
            case q::exactly:
                return open > 0 ? claim_verdict::unclear : said(yes == k);
            case q::at_least:
                return three(yes >= k, yes + open < k);
            case q::fewer:
                return three(yes + open < k, yes >= k);
            case q::only: {
                if (no > 0) return claim_verdict::no;
                const claim_verdict lack = others_lack_it(set);
                return open > 0 && lack != claim_verdict::no ? claim_verdict::unclear : lack;
            }
        }
        return claim_verdict::unclear;
    }

    [[nodiscard]] claim_verdict others_lack_it(std::uint64_t set) const {
        claim_verdict all = claim_verdict::yes;
        for (const stage_facts* s : members(everything() & ~set)) {
            const claim_verdict v = check_stage(*s);
            if (v == claim_verdict::yes) return claim_verdict::no;
            if (v == claim_verdict::unclear) all = claim_verdict::unclear;
        }
        return all;
    }

    [[nodiscard]] claim_verdict others_have_it(std::uint64_t set) const {
        claim_verdict all = claim_verdict::yes;
        for (const stage_facts* s : members(everything() & ~set)) {
            const claim_verdict v = check_stage(*s);
            if (v == claim_verdict::no) return v;
            if (v == claim_verdict::unclear) all = v;
        }
        return all;
    }

    /// Exactly these values occur.
    [[nodiscard]] claim_verdict check_values(const std::vector<const stage_facts*>& stages) const {
        std::vector<bool> seen(c_.values.size());
        bool any = false;
        for (const stage_facts* s : stages) {
            if (!has_it(*s)) continue;
            any = true;
            bool one_of = false;
            for (std::size_t k = 0; k < c_.values.size(); ++k) {
                claim_verdict v = claim_verdict::unclear;
                if (is_word(c_.property))
                    v = check_word(*s, c_.values[k]);
                else if (const auto has = number_of(*s))
                    v = compare(*has, claim_relation::equal, c_.values[k]);
                if (v == claim_verdict::unclear) return v;
                if (v == claim_verdict::yes) one_of = seen[k] = true;
            }
            if (!one_of) return claim_verdict::no;
        }
        return said(any && std::find(seen.begin(), seen.end(), false) == seen.end());
    }

    /// `same`, `between`: the smallest and the largest value.
    [[nodiscard]] claim_verdict check_spread(const std::vector<const stage_facts*>& stages) const {
        if (is_word(c_.property)) {
            if (c_.property != claim_property::activation) return claim_verdict::unclear;
            for (const stage_facts* s : stages)
                if (!s->activation) return claim_verdict::unclear;
            bool same = true;
            for (const stage_facts* s : stages) same = same && s->activation == stages[0]->activation;
            return said(same != c_.negated);
        }
        std::optional<double> low, high;
        for (const stage_facts* s : stages) {
            if (!has_it(*s)) continue;
            const auto has = number_of(*s);
            if (!has) return claim_verdict::unclear;
            low = std::min(low.value_or(*has), *has);
            high = std::max(high.value_or(*has), *has);
        }
        if (!low) return claim_verdict::no;
        if (c_.relation == claim_relation::same) return said((*low == *high) != c_.negated);
        const claim_verdict a = compare(*low, claim_relation::equal, c_.values[0]),
                            b = compare(*high, claim_relation::equal, c_.values[1]);
        return a == claim_verdict::yes && b == claim_verdict::yes ? claim_verdict::yes : claim_verdict::no;
    }

    /// From stage to stage, over those that have it.
    [[nodiscard]] claim_verdict check_trend() const {
        std::vector<double> values;
        for (const stage_facts& s : net_.stages) {
            if (!has_it(s)) continue;
            const auto has = number_of(s);
            if (!has) return claim_verdict::unclear;
            values.push_back(*has);
        }
        bool up = false, down = false;
        for (std::size_t i = 1; i < values.size(); ++i) {
            up = up || values[i] > values[i - 1];
            down = down || values[i] < values[i - 1];
        }
        switch (c_.relation) {
            case claim_relation::rises:
                return said(up && !down);
            case claim_relation::falls:
                return said(down && !up);
            case claim_relation::never_rises:
                return said(!up);
            default:
                return said(!down);
        }
    }

    /// These stages share the highest or lowest value of all, alone for a single stage unless others tie.
    [[nodiscard]] claim_verdict check_extreme(std::uint64_t set) const {
        std::optional<double> best;
        const bool high = c_.relation == claim_relation::highest;
        for (const stage_facts& s : net_.stages) {
            const auto has = number_of(s);
            if (!has || !has_it(s)) return claim_verdict::unclear;
            if (!best || (high ? *has > *best : *has < *best)) best = has;
        }
        std::size_t elsewhere = 0;
        for (const stage_facts* s : members(everything() & ~set)) elsewhere += number_of(*s) == best;
        for (const stage_facts* s : members(set))
            if (number_of(*s) != best) return claim_verdict::no;
        return elsewhere > 0 ? claim_verdict::unclear : claim_verdict::yes;
    }

    [[nodiscard]] claim_verdict check_comparison(const std::vector<const stage_facts*>& stages) const {
        std::optional<claim_verdict> all;
        for (const std::uint64_t set : readings_of(c_.other)) {
            std::size_t yes = 0, no = 0;
            for (const stage_facts* a : stages)
                for (const stage_facts* b : members(set)) {
                    const auto x = number_of(*a), y = number_of(*b);
                    if (!x || !y) return claim_verdict::unclear;
                    const bool holds = c_.relation == claim_relation::more   ? *x > *y
                                       : c_.relation == claim_relation::less ? *x < *y
                                                                             : *x == *y;
                    ++(holds != c_.negated ? yes : no);
                }
            const claim_verdict here = no == 0 && yes > 0 ? claim_verdict::yes
                                       : yes == 0         ? claim_verdict::no
                                                          : claim_verdict::unclear;
            all = all ? agreed(*all, here) : here;
        }
        return all.value_or(claim_verdict::unclear);
    }
};

}  // namespace llmnas::claim_grammar
