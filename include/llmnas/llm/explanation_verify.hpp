// SPDX-License-Identifier: MIT
/// \file
/// Claims against a network: true, false, or not to be said, with what the network has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/llm/explanation_stage_checks.hpp>

namespace llmnas {
namespace claim_grammar {

class claim_verifier : stage_verifier {
public:
    using stage_verifier::stage_verifier;

    [[nodiscard]] checked_claim check() {
        if (c_.property == claim_property::sram && !net_.memory_covered)
            return {claim_verdict::unclear, "the memory model " + net_.memory_model + " does not judge this network"};
        if (c_.scope.kind == scope_kind::network) return check_network();
        const std::vector<std::uint64_t> readings = readings_of(c_.scope);
        std::optional<claim_verdict> all;
        for (const std::uint64_t set : readings) {
            const claim_verdict here = check_set(set);
            all = all ? agreed(*all, here) : here;
        }
        checked_claim out{all.value_or(claim_verdict::unclear), evidence()};
        if (out.is == claim_verdict::unclear && readings.size() > 1)
            out.evidence += "; it depends on which stages are meant";
        return out;
    }

private:
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
        claim_verdict is = claim_verdict::unclear;
        if (c_.relation == claim_relation::between && c_.values.size() == 2) {
            const claim_verdict low = compare(value, claim_relation::at_least, c_.values[0]),
                                high = compare(value, claim_relation::at_most, c_.values[1]);
            is = low == claim_verdict::no || high == claim_verdict::no ? claim_verdict::no : agreed(low, high);
        } else if (!c_.values.empty()) {
            is = compare(value, c_.relation, c_.values[0]);
        }
        if (c_.negated || c_.quantifier == claim_quantifier::none) is = !is;
        std::string evidence = fmt::format("the network has {} {}", llmnas::detail::grouped(has), what);
        if (is == claim_verdict::unclear && !c_.values.empty())
            evidence += c_.values[0].unit == claim_unit::kb || c_.values[0].unit == claim_unit::mb
                            ? "; it depends on whether the unit is a power of 1000 or of 1024"
                            : "; between 5 and 10 % off";
        return {is, evidence};
    }
};

}  // namespace claim_grammar

/// Checks one claim. Every claim_verdict is of the network as it is built and of the cost model's figures.
[[nodiscard]] inline checked_claim check_claim(const claim& c, const network_facts& net) {
    return claim_grammar::claim_verifier(c, net).check();
}

}  // namespace llmnas
