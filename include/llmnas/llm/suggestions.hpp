// SPDX-License-Identifier: MIT
/// \file
/// What a language model is advised to change: single fields with the computed costs of the change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/search/smallest_changes.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// One field with another value, and the costs of the network before and after. Nothing where it cannot be built.
struct advised_change {
    field_change change;
    std::optional<costs> before;
    costs after;

    /// `stage 3: kernel_size 7 -> 5. MACs 91,000,000 -> 80,000,000, peak SRAM 204,800 bytes as before, flash ...`.
    [[nodiscard]] std::string text() const {
        using detail::change_words;
        const auto words = [&](std::string_view what, std::string_view unit, auto read) {
            return change_words(what, unit, before ? std::optional(read(*before)) : std::nullopt, read(after));
        };
        return fmt::format("{}: {} {} -> {}{}{}. {}, {}, {}", change.place, change.field, change.from, change.to,
                           change.with.empty() ? "" : " with ", change.with,
                           words("MACs", "", [](const costs& c) { return c.mac_count.value; }),
                           words("peak SRAM", " bytes", [](const costs& c) { return c.sram.size.value; }),
                           words("flash", " bytes", [](const costs& c) { return c.flash.value; }));
    }
};

/// How a refused network could be mended.
struct mending {
    std::vector<advised_change> alternatives;  ///< each alone is enough, the smallest first
    /// Where no single change is enough: changes to make one after the other, each of which brings the network nearest
    /// to the limits.
    std::vector<advised_change> in_turn;
    bool enough = false;  ///< after all of in_turn the gate takes the network; always so after one alternative
};

namespace detail {

[[nodiscard]] inline cost_limits limits_of(const problem& p) {
    return {p.min_macs, p.max_macs, p.limits.sram, p.limits.flash};
}

/// Costs under the memory model of the search; nothing of a network that cannot be built or judged.
template <SearchSpace Space>
[[nodiscard]] std::optional<costs> costs_in(const search_context<Space>& context, const network_of<Space>& net) {
    const dynamic_graph graph(net);
    if (graph.error() || !context.memory.covers(graph.view()).complete()) return std::nullopt;
    return evaluate(graph.view(), context.memory);
}

/// Whether the search would train the network: a point of the space, within the limits, and new.
template <SearchSpace Space>
[[nodiscard]] bool would_be_taken(const search_context<Space>& context, const network_of<Space>& net) {
    return contains<Space>(net) && context.judge(net).has_value();
}

/// Single changes of a network that can be built after which the search would take it, the smallest first; else the
/// change that brings it nearest to the limits.
template <SearchSpace Space>
[[nodiscard]] change_suggestions changes_that_fit(const search_context<Space>& context, const network_of<Space>& net) {
    dynamic_graph graph(net);
    const auto for_each_change = [&](const auto& visit) {
        dynamic_graph changed_graph;
        for_each_axis_change<Space>(net, [&](const field_change& change, const network_of<Space>& changed) {
            changed_graph.lower(changed);
            if (!changed_graph.error() && context.memory.covers(changed_graph.view()).complete())
                visit(change, changed_graph.view());
        });
    };
    auto found = smallest_changes(graph.view(), for_each_change, limits_of(context.task), context.memory);
    std::erase_if(found.fitting,
                  [&](const suggestion& s) { return !would_be_taken(context, *with_change<Space>(net, s.change)); });
    return found;
}

/// The same of a network that cannot be built or lies outside the space: every change after which it is taken.
template <SearchSpace Space>
[[nodiscard]] std::vector<advised_change> changes_that_are_taken(const search_context<Space>& context,
                                                                 const network_of<Space>& net) {
    std::vector<advised_change> found;
    const std::optional<costs> before = costs_in(context, net);
    for_each_axis_change<Space>(net, [&](const field_change& change, const network_of<Space>& changed) {
        if (!contains<Space>(changed)) return;
        if (auto judged = context.judge(changed)) found.push_back({change, before, judged->cost});
    });
    std::stable_sort(found.begin(), found.end(),
                     [](const advised_change& a, const advised_change& b) { return a.change.steps < b.change.steps; });
    return found;
}

}  // namespace detail

/// Changes that would mend a refused network: those after each of which the search would take it, else up to
/// `max_in_turn` changes in turn. What is claimed to be enough was asked of the gate.
template <SearchSpace Space>
[[nodiscard]] mending mend(const search_context<Space>& context, const network_of<Space>& refused,
                           std::size_t max_in_turn = 4) {
    mending m;
    std::optional<costs> before = detail::costs_in(context, refused);
    if (!before || !contains<Space>(refused)) {
        m.alternatives = detail::changes_that_are_taken(context, refused);
        m.enough = !m.alternatives.empty();
        return m;
    }
    auto net = refused;
    while (m.in_turn.size() < max_in_turn) {
        const change_suggestions found = detail::changes_that_fit(context, net);
        if (m.in_turn.empty())
            for (const suggestion& s : found.fitting) m.alternatives.push_back({s.change, before, s.after});
        m.enough = !found.fitting.empty();
        if (!m.alternatives.empty()) break;
        if (m.enough) {
            m.in_turn.push_back({found.fitting.front().change, before, found.fitting.front().after});
            break;
        }
        if (!found.nearest) break;
        m.in_turn.push_back({found.nearest->change, before, found.nearest->after});
        net = *with_change<Space>(net, found.nearest->change);
        before = found.nearest->after;
    }
    return m;
}

/// What to try next from a network that was trained: of all single changes that the search would take, the one that
/// saves most MACs, the one that adds most, and the one that saves most SRAM, if any.
struct next_steps {
    std::optional<advised_change> fewer_macs;
    std::optional<advised_change> more_macs;
    std::optional<advised_change> less_sram;
};

template <SearchSpace Space>
[[nodiscard]] next_steps steps_from(const search_context<Space>& context, const candidate<Space>& from) {
    next_steps n;
    for_each_axis_change<Space>(from.network, [&](const field_change& change, const network_of<Space>& changed) {
        if (!contains<Space>(changed)) return;
        const auto judged = context.judge(changed);
        if (!judged) return;
        const advised_change here{change, from.cost, judged->cost};
        const auto keep = [&](std::optional<advised_change>& best, auto less) {
            if (less(here.after, best ? best->after : from.cost)) best = here;
        };
        keep(n.fewer_macs, [](const costs& a, const costs& b) { return a.mac_count < b.mac_count; });
        keep(n.more_macs, [](const costs& a, const costs& b) { return a.mac_count > b.mac_count; });
        keep(n.less_sram, [](const costs& a, const costs& b) { return a.sram.size < b.sram.size; });
    });
    return n;
}

}  // namespace llmnas
