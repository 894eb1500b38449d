// SPDX-License-Identifier: MIT
/// \file
/// Claims against a network: true, false, or not to be said, with what the network has.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/explanation_claim.hpp>
#include <llmnas/llm/explanation_facts.hpp>

namespace llmnas {

/// `unclear`: true under one reading and false under another, or of something that the network's description lacks.
enum class verdict : std::uint8_t { no, yes, unclear };

[[nodiscard]] constexpr std::string_view name_of(verdict v) noexcept {
    return v == verdict::yes ? "true" : v == verdict::no ? "false" : "unclear";
}

struct checked_claim {
    verdict is = verdict::unclear;
    std::string evidence;  ///< what the network has
};

namespace detail {

[[nodiscard]] constexpr verdict operator!(verdict v) noexcept {
    return v == verdict::yes ? verdict::no : v == verdict::no ? verdict::yes : v;
}
[[nodiscard]] constexpr verdict verdict_of(bool b) noexcept { return b ? verdict::yes : verdict::no; }
/// True or false only if both are.
[[nodiscard]] constexpr verdict agreed(verdict a, verdict b) noexcept { return a == b ? a : verdict::unclear; }

class claim_verifier {
public:
    claim_verifier(const claim& c, const network_facts& net) : c_(c), net_(net) {}

    [[nodiscard]] checked_claim check() {
        if (c_.property == claim_property::sram && !net_.memory_covered)
            return {verdict::unclear, "the memory model " + net_.memory_model + " does not judge this network"};
        if (c_.scope.kind == scope_kind::network) return check_network();
        const std::vector<std::uint64_t> readings = readings_of(c_.scope);
        std::optional<verdict> all;
        for (const std::uint64_t set : readings) {
            const verdict here = check_set(set);
            all = all ? agreed(*all, here) : here;
        }
        checked_claim out{all.value_or(verdict::unclear), evidence()};
        if (out.is == verdict::unclear && readings.size() > 1) out.evidence += "; it depends on which stages are meant";
        return out;
    }

private:
    [[nodiscard]] std::size_t count() const { return net_.stages.size(); }
    [[nodiscard]] std::uint64_t everything() const {
        return count() >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count()) - 1;
    }

    /// The sets of stages that a scope may mean. `early`: up to half of them from the first one on; `late` the same
    /// from the end; `middle`: the one or two in the middle, or all but the first and the last.
    [[nodiscard]] std::vector<std::uint64_t> readings_of(const claim_scope& s) const {
        const std::size_t n = count();
        const auto range = [](std::size_t begin, std::size_t end) {
            std::uint64_t set = 0;
            for (std::size_t i = begin; i < end; ++i) set |= std::uint64_t{1} << i;
            return set;
        };
        switch (s.kind) {
            case scope_kind::numbers:
                return {s.numbers};
            case scope_kind::except:
                return {everything() & ~s.numbers};
            case scope_kind::of_type: {
                std::uint64_t set = 0;
                for (std::size_t i = 0; i < n; ++i)
                    if (net_.stages[i].conv_type == s.type) set |= std::uint64_t{1} << i;
                return {set};
            }
            case scope_kind::stages:
            case scope_kind::network:
                return {everything()};
            case scope_kind::vague:
                break;
        }
        std::vector<std::uint64_t> sets{0};
        const auto times = [&](const std::vector<std::uint64_t>& more) {
            std::vector<std::uint64_t> product;
            for (const std::uint64_t a : sets)
                for (const std::uint64_t b : more) product.push_back(a | b);
            sets = std::move(product);
        };
        std::vector<std::uint64_t> early, late;
        for (std::size_t k = 1; k <= std::max<std::size_t>(1, n / 2); ++k) {
            early.push_back(range(0, k));
            late.push_back(range(n - std::min(k, n), n));
        }
        if (s.early) times(early);
        if (s.middle) times({range((n - 1) / 2, n / 2 + 1), n > 2 ? range(1, n - 1) : everything()});
        if (s.late) times(late);
        return sets;
    }

    // --- numbers ----------------------------------------------------------------------------------------------------

    /// The readings of a written number: KB and MB are powers of 1000 or of 1024.
    [[nodiscard]] static std::vector<double> readings_of(const claim_value& v, double written) {
        switch (v.unit) {
            case claim_unit::kb:
                return {written * 1000, written * 1024};
            case claim_unit::kib:
                return {written * 1024};
            case claim_unit::mb:
                return {written * 1e6, written * 1024 * 1024};
            case claim_unit::mib:
                return {written * 1024 * 1024};
            case claim_unit::percent:
                return {written / 100};
            default:
                return {written};
        }
    }

    [[nodiscard]] verdict compare(double has, claim_relation r, const claim_value& v) const {
        const std::vector<double> wanted = readings_of(v, v.number), half = readings_of(v, v.precision);
        std::optional<verdict> all;
        for (std::size_t k = 0; k < wanted.size(); ++k) {
            const verdict here = compare(has, r, wanted[k], half[k], v.unit == claim_unit::percent);
            all = all ? agreed(*all, here) : here;
        }
        return all.value_or(verdict::unclear);
    }
    /// An equal number agrees to the digits written. `about` allows 5 % (of a share 2 points), refuses beyond 10 % (5
    /// points), and between the two nothing is said.
    [[nodiscard]] verdict compare(double has, claim_relation r, double wanted, double half, bool is_share) const {
        const double off = std::abs(has - wanted);
        const bool to_digits = off <= (is_cost(c_.property) ? half * (1 + 1e-9) : 1e-9 * std::abs(wanted));
        switch (r) {
            case claim_relation::equal:
                return verdict_of(to_digits);
            case claim_relation::about:
                if (to_digits || off <= (is_share ? 0.02 : 0.05 * wanted)) return verdict::yes;
                return off > (is_share ? 0.05 : 0.10 * wanted) ? verdict::no : verdict::unclear;
            case claim_relation::less:
                return verdict_of(has < wanted);
            case claim_relation::at_most:
                return verdict_of(has <= wanted);
            case claim_relation::more:
                return verdict_of(has > wanted);
            case claim_relation::at_least:
                return verdict_of(has >= wanted);
            default:
                return verdict::unclear;
        }
    }

    /// A property of a stage as a number; nothing where the stage has none.
    [[nodiscard]] std::optional<double> number_of(const stage_facts& s) const {
        const auto of = [](const auto& v) { return v ? std::optional<double>(static_cast<double>(*v)) : std::nullopt; };
        switch (c_.property) {
            case claim_property::kernel_size:
                return of(s.kernel_size);
            case claim_property::expansion_factor:
                return of(s.expansion_factor);
            case claim_property::stride:
                return of(s.stride);
            case claim_property::output_channels:
                return s.output_channels;
            case claim_property::num_layers:
                return s.num_layers;
            case claim_property::macs:
                return cost(s.mac_count.value, net_.total.mac_count.value);
            case claim_property::parameters:
                return cost(s.parameters.value, net_.total.parameters.value);
            case claim_property::flash:
                return cost(s.flash.value, net_.total.flash.value);
            case claim_property::sram:
                return cost(s.sram.value, net_.total.sram.size.value);
            case claim_property::se_ratio: {
                std::optional<double> ratio;
                for (const auto& [channels, hidden] : s.se_channels) ratio = static_cast<double>(hidden) / channels;
                return ratio;
            }
            default:
                return std::nullopt;
        }
    }
    [[nodiscard]] double cost(std::uint64_t part, std::uint64_t whole) const {
        if (!c_.share) return static_cast<double>(part);
        return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    }

    /// Whether a stage has the thing at all: an expansion, SE.
    [[nodiscard]] bool has_it(const stage_facts& s) const {
        if (c_.property == claim_property::expansion_factor) return s.conv_type != "depthwise";
        if (c_.property == claim_property::se_ratio) return s.use_se != false;
        return true;
    }

    // --- one stage --------------------------------------------------------------------------------------------------

    [[nodiscard]] verdict check_word(const stage_facts& s, const claim_value& v) const {
        switch (c_.property) {
            case claim_property::use_se:
                return s.use_se ? verdict_of(*s.use_se) : verdict::unclear;
            case claim_property::skip_op:
                return s.residual ? verdict_of(*s.residual) : verdict::unclear;
            case claim_property::activation:
                return s.activation ? verdict_of(name_of(*s.activation) == v.word) : verdict::unclear;
            case claim_property::conv_type: {
                const verdict type = s.conv_type.empty() ? verdict::unclear : verdict_of(s.conv_type == v.word);
                return v.loose ? agreed(type, verdict_of(s.depthwise_convolution)) : type;
            }
            default:
                return verdict::unclear;
        }
    }

    [[nodiscard]] verdict check_stage(const stage_facts& s) const {
        if (is_word(c_.property)) return c_.values.empty() ? verdict::unclear : check_word(s, c_.values[0]);
        if (!has_it(s)) return verdict::no;
        if (c_.property == claim_property::se_ratio && c_.relation == claim_relation::equal && s.use_se == true) {
            // The ratio is right where it gives the hidden channels, rounded as the published code does.
            for (const auto& [channels, hidden] : s.se_channels)
                if (std::max(1.0, std::floor(channels * c_.values[0].number + 1e-9)) != hidden) return verdict::no;
            return verdict::yes;
        }
        const auto has = number_of(s);
        if (!has) return verdict::unclear;
        return compare(*has, c_.relation, c_.values[0]);
    }

    // --- a set of stages --------------------------------------------------------------------------------------------

    [[nodiscard]] std::vector<const stage_facts*> members(std::uint64_t set) const {
        std::vector<const stage_facts*> found;
        for (std::size_t i = 0; i < std::min<std::size_t>(count(), 64); ++i)
            if ((set >> i & 1U) != 0) found.push_back(&net_.stages[i]);
        return found;
    }

    [[nodiscard]] verdict check_set(std::uint64_t set) const {
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
                    if (s->sram == net_.total.sram.size) return verdict::yes;
                return verdict::no;
            }
            default:
                break;
        }
        if (c_.share) {
            double sum = 0;
            for (const stage_facts* s : stages) sum += number_of(*s).value_or(0);
            return c_.property == claim_property::sram ? verdict::unclear : compare(sum, c_.relation, c_.values[0]);
        }
        return quantified(stages, set);
    }

    [[nodiscard]] verdict quantified(std::vector<const stage_facts*> stages, std::uint64_t set) const {
        using q = claim_quantifier;
        // What all stages have, they have where it exists: a depthwise block has no expansion that could be another.
        const bool everywhere = c_.scope.kind == scope_kind::stages || c_.scope.kind == scope_kind::except;
        if (everywhere && c_.quantifier == q::all)
            std::erase_if(stages, [&](const stage_facts* s) { return !has_it(*s); });
        std::size_t yes = 0, no = 0;
        for (const stage_facts* s : stages) {
            const verdict v = c_.negated ? !check_stage(*s) : check_stage(*s);
            yes += v == verdict::yes;
            no += v == verdict::no;
        }
        const std::size_t n = stages.size(), open = n - yes - no, k = static_cast<std::size_t>(c_.count);
        const auto three = [](bool surely, bool surely_not) {
            return surely ? verdict::yes : surely_not ? verdict::no : verdict::unclear;
        };
        switch (c_.quantifier) {
            case q::all: {
                const verdict here = n == 0 ? verdict::no : three(no == 0 && open == 0, no > 0);
                if (c_.scope.kind != scope_kind::except || here != verdict::yes) return here;
                return others_lack_it(set);
            }
            case q::none:
                return three(yes == 0 && open == 0, yes > 0);
            case q::any:
                return three(yes > 0, yes == 0 && open == 0);
            case q::some:
                return three(yes > 0 && no > 0, open == 0);
            case q::most:
                return three(2 * yes > n, 2 * (yes + open) <= n);
            case q::not_all:
                return three(no > 0, no == 0 && open == 0);
            case q::exactly:
                return open > 0 ? verdict::unclear : verdict_of(yes == k);
            case q::at_least:
                return three(yes >= k, yes + open < k);
            case q::fewer:
                return three(yes + open < k, yes >= k);
            case q::only: {
                if (no > 0) return verdict::no;
                const verdict lack = others_lack_it(set);
                return open > 0 && lack != verdict::no ? verdict::unclear : lack;
            }
        }
        return verdict::unclear;
    }

    [[nodiscard]] verdict others_lack_it(std::uint64_t set) const {
        verdict all = verdict::yes;
        for (const stage_facts* s : members(everything() & ~set)) {
            const verdict v = check_stage(*s);
            if (v == verdict::yes) return verdict::no;
            if (v == verdict::unclear) all = verdict::unclear;
        }
        return all;
    }

    /// Exactly these values occur.
    [[nodiscard]] verdict check_values(const std::vector<const stage_facts*>& stages) const {
        std::vector<bool> seen(c_.values.size());
        bool any = false;
        for (const stage_facts* s : stages) {
            if (!has_it(*s)) continue;
            any = true;
            bool one_of = false;
            for (std::size_t k = 0; k < c_.values.size(); ++k) {
                verdict v = verdict::unclear;
                if (is_word(c_.property))
                    v = check_word(*s, c_.values[k]);
                else if (const auto has = number_of(*s))
                    v = compare(*has, claim_relation::equal, c_.values[k]);
                if (v == verdict::unclear) return v;
                if (v == verdict::yes) one_of = seen[k] = true;
            }
            if (!one_of) return verdict::no;
        }
        return verdict_of(any && std::find(seen.begin(), seen.end(), false) == seen.end());
    }

    /// `same`, `between`: the smallest and the largest value.
    [[nodiscard]] verdict check_spread(const std::vector<const stage_facts*>& stages) const {
        if (is_word(c_.property)) {
            if (c_.property != claim_property::activation) return verdict::unclear;
            for (const stage_facts* s : stages)
                if (!s->activation) return verdict::unclear;
            bool same = true;
            for (const stage_facts* s : stages) same = same && s->activation == stages[0]->activation;
            return verdict_of(same != c_.negated);
        }
        std::optional<double> low, high;
        for (const stage_facts* s : stages) {
            if (!has_it(*s)) continue;
            const auto has = number_of(*s);
            if (!has) return verdict::unclear;
            low = std::min(low.value_or(*has), *has);
            high = std::max(high.value_or(*has), *has);
        }
        if (!low) return verdict::no;
        if (c_.relation == claim_relation::same) return verdict_of((*low == *high) != c_.negated);
        const verdict a = compare(*low, claim_relation::equal, c_.values[0]),
                      b = compare(*high, claim_relation::equal, c_.values[1]);
        return a == verdict::yes && b == verdict::yes ? verdict::yes : verdict::no;
    }

    /// From stage to stage, over those that have it.
    [[nodiscard]] verdict check_trend() const {
        std::vector<double> values;
        for (const stage_facts& s : net_.stages) {
            if (!has_it(s)) continue;
            const auto has = number_of(s);
            if (!has) return verdict::unclear;
            values.push_back(*has);
        }
        bool up = false, down = false;
        for (std::size_t i = 1; i < values.size(); ++i) {
            up = up || values[i] > values[i - 1];
            down = down || values[i] < values[i - 1];
        }
        switch (c_.relation) {
            case claim_relation::rises:
                return verdict_of(up && !down);
            case claim_relation::falls:
                return verdict_of(down && !up);
            case claim_relation::never_rises:
                return verdict_of(!up);
            default:
                return verdict_of(!down);
        }
    }

    /// These stages share the highest or lowest value of all, alone for a single stage unless others tie.
    [[nodiscard]] verdict check_extreme(std::uint64_t set) const {
        std::optional<double> best;
        const bool high = c_.relation == claim_relation::highest;
        for (const stage_facts& s : net_.stages) {
            const auto has = number_of(s);
            if (!has || !has_it(s)) return verdict::unclear;
            if (!best || (high ? *has > *best : *has < *best)) best = has;
        }
        std::size_t elsewhere = 0;
        for (const stage_facts* s : members(everything() & ~set)) elsewhere += number_of(*s) == best;
        for (const stage_facts* s : members(set))
            if (number_of(*s) != best) return verdict::no;
        return elsewhere > 0 ? verdict::unclear : verdict::yes;
    }

    [[nodiscard]] verdict check_comparison(const std::vector<const stage_facts*>& stages) const {
        std::optional<verdict> all;
        for (const std::uint64_t set : readings_of(c_.other)) {
            std::size_t yes = 0, no = 0;
            for (const stage_facts* a : stages)
                for (const stage_facts* b : members(set)) {
                    const auto x = number_of(*a), y = number_of(*b);
                    if (!x || !y) return verdict::unclear;
                    const bool holds = c_.relation == claim_relation::more   ? *x > *y
                                       : c_.relation == claim_relation::less ? *x < *y
                                                                             : *x == *y;
                    ++(holds != c_.negated ? yes : no);
                }
            const verdict here = no == 0 && yes > 0 ? verdict::yes : yes == 0 ? verdict::no : verdict::unclear;
            all = all ? agreed(*all, here) : here;
        }
        return all.value_or(verdict::unclear);
    }

    // --- the network ------------------------------------------------------------------------------------------------

    [[nodiscard]] checked_claim check_network() const {
        std::uint64_t has = 0;
        std::string what;
        switch (c_.property) {
            case claim_property::macs:
                has = net_.total.mac_count.value, what = "MACs";
                break;
            case claim_property::parameters:
                has = net_.total.parameters.value, what = "parameters";
                break;
            case claim_property::flash:
                has = net_.total.flash.value, what = "B of flash";
                break;
            case claim_property::sram:
                has = net_.total.sram.size.value, what = "B of SRAM at the peak by the model " + net_.memory_model;
                break;
            case claim_property::stages:
                has = net_.stages.size(), what = "stages";
                break;
            case claim_property::num_layers:
                for (const stage_facts& s : net_.stages) has += static_cast<std::uint64_t>(s.num_layers);
                what = "layers";
                break;
            default:
                return {};
        }
        const double value = static_cast<double>(has);
        verdict is = verdict::unclear;
        if (c_.relation == claim_relation::between && c_.values.size() == 2) {
            const verdict low = compare(value, claim_relation::at_least, c_.values[0]),
                          high = compare(value, claim_relation::at_most, c_.values[1]);
            is = low == verdict::no || high == verdict::no ? verdict::no : agreed(low, high);
        } else if (!c_.values.empty()) {
            is = compare(value, c_.relation, c_.values[0]);
        }
        if (c_.negated || c_.quantifier == claim_quantifier::none) is = !is;
        std::string evidence = fmt::format("the network has {} {}", grouped(has), what);
        if (is == verdict::unclear && !c_.values.empty())
            evidence += c_.values[0].unit == claim_unit::kb || c_.values[0].unit == claim_unit::mb
                            ? "; it depends on whether the unit is a power of 1000 or of 1024"
                            : "; between 5 and 10 % off";
        return {is, evidence};
    }

    [[nodiscard]] static std::string grouped(std::uint64_t n) {
        std::string s = fmt::format("{}", n);
        for (auto i = static_cast<std::ptrdiff_t>(s.size()) - 3; i > 0; i -= 3)
            s.insert(static_cast<std::size_t>(i), ",");
        return s;
    }

    // --- evidence ---------------------------------------------------------------------------------------------------

    [[nodiscard]] std::string value_text(const stage_facts& s) const {
        switch (c_.property) {
            case claim_property::use_se:
                return !s.use_se ? "?" : *s.use_se ? "SE" : "no SE";
            case claim_property::skip_op:
                return !s.residual ? "?" : *s.residual ? "residual" : "none";
            case claim_property::activation:
                return s.activation ? std::string(name_of(*s.activation)) : "?";
            case claim_property::conv_type:
                return s.conv_type.empty() ? "another type" : std::string(s.conv_type);
            case claim_property::expansion_factor:
            case claim_property::se_ratio:
                if (!has_it(s)) return "none";
                break;
            default:
                break;
        }
        const auto has = number_of(s);
        if (!has) return "?";
        if (c_.share) return fmt::format("{:.1f} %", 100 * *has);
        return is_cost(c_.property) ? grouped(static_cast<std::uint64_t>(*has)) : fmt::format("{:.3g}", *has);
    }

    /// `stride: 2 in stages 1, 2, 3, 5; 1 in stage 4`.
    [[nodiscard]] std::string evidence() const {
        std::vector<std::pair<std::string, std::string>> by_value;
        for (std::size_t i = 0; i < count(); ++i) {
            std::string value = value_text(net_.stages[i]);
            const auto it =
                std::find_if(by_value.begin(), by_value.end(), [&](const auto& v) { return v.first == value; });
            if (it == by_value.end())
                by_value.emplace_back(std::move(value), fmt::format("{}", i + 1));
            else
                it->second += fmt::format(", {}", i + 1);
        }
        std::string t = fmt::format("{}{}:", name_of(c_.property), c_.share ? " share" : "");
        for (std::size_t k = 0; k < by_value.size(); ++k)
            t += fmt::format("{} {} in stage{} {}", k == 0 ? "" : ";", by_value[k].first,
                             by_value[k].second.find(',') == std::string::npos ? "" : "s", by_value[k].second);
        if (c_.property == claim_property::sram) t += " (model " + net_.memory_model + ")";
        return t;
    }

    const claim& c_;
    const network_facts& net_;
};

}  // namespace detail

/// Checks one claim. Every verdict is of the network as it is built and of the cost model's figures.
[[nodiscard]] inline checked_claim check_claim(const claim& c, const network_facts& net) {
    return detail::claim_verifier(c, net).check();
}

}  // namespace llmnas
