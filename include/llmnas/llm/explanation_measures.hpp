// SPDX-License-Identifier: MIT
/// \file
/// What a claim measures of a network, and the readings of what is written vaguely: `early` stages, `320 KB`, `about`.
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

#include <llmnas/llm/cost_words.hpp>
#include <llmnas/llm/explanation_claim.hpp>
#include <llmnas/llm/explanation_facts.hpp>

namespace llmnas {

/// `unclear`: true under one reading and false under another, or of something that the network's description lacks.
enum class claim_verdict : std::uint8_t { no, yes, unclear };

[[nodiscard]] constexpr std::string_view name_of(claim_verdict v) noexcept {
    return v == claim_verdict::yes ? "true" : v == claim_verdict::no ? "false" : "unclear";
}

struct checked_claim {
    claim_verdict is = claim_verdict::unclear;
    std::string evidence;  ///< what the network has
};

namespace claim_grammar {

[[nodiscard]] constexpr claim_verdict operator!(claim_verdict v) noexcept {
    return v == claim_verdict::yes ? claim_verdict::no : v == claim_verdict::no ? claim_verdict::yes : v;
}
[[nodiscard]] constexpr claim_verdict said(bool b) noexcept { return b ? claim_verdict::yes : claim_verdict::no; }
/// True or false only if both are.
[[nodiscard]] constexpr claim_verdict agreed(claim_verdict a, claim_verdict b) noexcept {
    return a == b ? a : claim_verdict::unclear;
}

/// A claim beside the network that it is checked against.
class claim_measures {
public:
    claim_measures(const claim& c, const network_facts& net) : c_(c), net_(net) {}

protected:
    [[nodiscard]] std::size_t count() const { return net_.stages.size(); }
    [[nodiscard]] std::uint64_t everything() const {
        return count() >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count()) - 1;
    }

    /// The sets of stages that a scope may mean. `early`: up to half of them from the first one on; `late` the same
    /// from the end; `middle`: the one or two in the middle, or the middle third.
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
        if (s.middle) {
            // The one or two in the middle, and the middle third.
            const std::size_t third = std::max<std::size_t>(n % 2 == 0 ? 2 : 1, (n + 1) / 3 - ((n + 1) / 3 + n) % 2);
            const std::size_t begin = (n - std::min(third, n)) / 2;
            times({range((n - 1) / 2, n / 2 + 1), range(begin, std::min(n, begin + third))});
        }
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

    [[nodiscard]] claim_verdict compare(double has, claim_relation r, const claim_value& v) const {
        const std::vector<double> wanted = readings_of(v, v.number), half = readings_of(v, v.precision);
        std::optional<claim_verdict> all;
        for (std::size_t k = 0; k < wanted.size(); ++k) {
            const claim_verdict here = compare(has, r, wanted[k], half[k], v.unit == claim_unit::percent);
            all = all ? agreed(*all, here) : here;
        }
        return all.value_or(claim_verdict::unclear);
    }
    /// An equal number agrees to the digits written. `about` allows 5 % (of a share 2 points), refuses beyond 10 % (5
    /// points), and between the two nothing is said.
    [[nodiscard]] claim_verdict compare(double has, claim_relation r, double wanted, double half, bool is_share) const {
        const double off = std::abs(has - wanted);
        const bool to_digits = off <= (is_cost(c_.property) ? half * (1 + 1e-9) : 1e-9 * std::abs(wanted));
        switch (r) {
            case claim_relation::equal:
                return said(to_digits);
            case claim_relation::about:
                if (to_digits || off <= (is_share ? 0.02 : 0.05 * wanted)) return claim_verdict::yes;
                return off > (is_share ? 0.05 : 0.10 * wanted) ? claim_verdict::no : claim_verdict::unclear;
            case claim_relation::less:
                return said(has < wanted);
            case claim_relation::at_most:
                return said(has <= wanted);
            case claim_relation::more:
                return said(has > wanted);
            case claim_relation::at_least:
                return said(has >= wanted);
            default:
                return claim_verdict::unclear;
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

    [[nodiscard]] std::vector<const stage_facts*> members(std::uint64_t set) const {
        std::vector<const stage_facts*> found;
        for (std::size_t i = 0; i < std::min<std::size_t>(count(), 64); ++i)
            if ((set >> i & 1U) != 0) found.push_back(&net_.stages[i]);
        return found;
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
        return is_cost(c_.property) ? llmnas::detail::grouped(static_cast<std::uint64_t>(*has))
                                    : fmt::format("{:.3g}", *has);
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

}  // namespace claim_grammar
}  // namespace llmnas
