// SPDX-License-Identifier: MIT
/// \file
/// What would make a network fit: the smallest changes of a single field.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/cost/memory_model.hpp>
#include <llmnas/search/field_changes.hpp>

namespace llmnas {

/// A change of one field and what the network costs then.
struct suggestion {
    field_change change;
    costs after;
};

/// The answer of smallest_changes().
struct change_suggestions {
    std::vector<suggestion> fitting;    ///< one a field, the smallest change first
    std::optional<suggestion> nearest;  ///< where none fits: the change after which least is over the limits
};

/// By how much costs are over the limits: the sum over the limits of the excess as a share of the limit; 0 if they fit.
[[nodiscard]] inline double excess(const costs& c, const cost_limits& limits) {
    const auto over = [](std::uint64_t used, std::uint64_t allowed) {
        if (used <= allowed) return 0.0;
        return static_cast<double>(used - allowed) / static_cast<double>(std::max<std::uint64_t>(1, allowed));
    };
    double sum = over(c.sram.size.value, limits.sram.value) + over(c.flash.value, limits.flash.value) +
                 over(c.mac_count.value, limits.max_macs.value);
    if (c.mac_count < limits.min_macs)
        sum +=
            static_cast<double>(limits.min_macs.value - c.mac_count.value) / static_cast<double>(limits.min_macs.value);
    return sum;
}

namespace detail {

template <class... F>
struct overloaded : F... {
    using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

}  // namespace detail

/// The changes of one field after which the network keeps the limits. Of each field the smallest: fewest steps along
/// its choices, then least change of MACs, then least SRAM; in the same order among fields.
/// `for_each_change(visit)` goes through the legal networks with another value of one field, those that may fit field
/// by field, and calls visit(const field_change&, const graph_view&), or, where the network need not be lowered for it,
/// visit(const field_change&, const costs&, peak) with the costs but for SRAM, and peak() giving the memory_peak, or
/// nothing where the memory model does not take the network.
template <class ForEachChange, MemoryModel Memory>
[[nodiscard]] change_suggestions smallest_changes(const graph_view& net, const ForEachChange& for_each_change,
                                                  const cost_limits& limits, const Memory& memory) {
    const costs before = evaluate(net, memory);
    const auto size_of = [&](const suggestion& s) {
        const std::uint64_t a = s.after.mac_count.value, b = before.mac_count.value;
        return std::tuple(s.change.steps, a > b ? a - b : b - a, s.after.sram.size.value);
    };
    const auto smaller = [&](const suggestion& a, const suggestion& b) { return size_of(a) < size_of(b); };

    change_suggestions found;
    double least = excess(before, limits);
    const auto consider = [&](suggestion s) {
        if (!limits.allow(s.after)) {
            const double over = excess(s.after, limits);
            if (over < least || (found.nearest && over == least && smaller(s, *found.nearest))) {
                least = over;
                found.nearest = std::move(s);
            }
        } else if (!found.fitting.empty() && found.fitting.back().change.same_field(s.change)) {
            if (smaller(s, found.fitting.back())) found.fitting.back() = std::move(s);
        } else {
            found.fitting.push_back(std::move(s));
        }
    };
    const auto whole = [&](const field_change& change, const graph_view& g) {
        consider({change, evaluate(g, memory)});
    };
    const auto in_parts = [&](const field_change& change, costs sums, const auto& peak) {
        const double over = excess(sums, limits);  // SRAM can only add to it
        if (over > least || (over > 0 && !found.fitting.empty())) return;
        const std::optional<memory_peak> sram = peak();
        if (!sram) return;
        sums.sram = *sram;
        consider({change, sums});
    };
    const detail::overloaded visit{whole, in_parts};
    for_each_change(visit);
    std::stable_sort(found.fitting.begin(), found.fitting.end(), smaller);
    if (!found.fitting.empty()) found.nearest.reset();
    return found;
}

}  // namespace llmnas
