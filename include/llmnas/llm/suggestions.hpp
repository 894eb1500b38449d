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
#include <llmnas/cost/bounds/stage_sums.hpp>
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

/// A network lowered into `storage`; nothing where it cannot be built or the memory model of the search does not take
/// it.
template <SearchSpace Space>
[[nodiscard]] std::optional<graph_view> view_in(const search_context<Space>& context, const network_of<Space>& net,
                                                dynamic_graph& storage) {
    storage.lower(net);
    if (storage.error() || !context.memory.covers(storage.view()).complete()) return std::nullopt;
    return storage.view();
}

/// Its peak SRAM, or nothing.
template <SearchSpace Space>
[[nodiscard]] std::optional<memory_peak> peak_in(const search_context<Space>& context, const network_of<Space>& net,
                                                 dynamic_graph& storage) {
    const auto view = view_in(context, net, storage);
    return view ? std::optional(context.memory.peak(*view)) : std::nullopt;
}

/// Costs under the memory model of the search; nothing where there are none.
template <SearchSpace Space>
[[nodiscard]] std::optional<costs> costs_in(const search_context<Space>& context, const network_of<Space>& net) {
    dynamic_graph graph;
    const auto view = view_in(context, net, graph);
    return view ? std::optional(evaluate(*view, context.memory)) : std::nullopt;
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
    struct changed_network {
        field_change change;
        network_of<Space> network;
        costs sums;
        double over;
    };
    const cost_limits limits = limits_of(context.task);
    std::vector<changed_network> changes;
    stage_sums<Space> sums(net);
    for_each_axis_change<Space>(net, [&](const field_change& change, const network_of<Space>& changed) {
        if (const std::optional<costs> sum = sums.of(changed))
            changes.push_back({change, changed, *sum, excess(*sum, limits)});
    });
    // The nearest first: what is further over the limits even without SRAM then need not be lowered.
    std::stable_sort(changes.begin(), changes.end(),
                     [](const changed_network& a, const changed_network& b) { return a.over < b.over; });
    dynamic_graph graph(net), changed_graph;
    const auto for_each_change = [&](const auto& visit) {
        for (const changed_network& c : changes)
            visit(c.change, c.sums, [&] { return peak_in(context, c.network, changed_graph); });
    };
    auto found = smallest_changes(graph.view(), for_each_change, limits, context.memory);
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
    const cost_limits limits = detail::limits_of(context.task);
    stage_sums<Space> sums(from.network);
    dynamic_graph graph;
    for_each_axis_change<Space>(from.network, [&](const field_change& change, const network_of<Space>& changed) {
        std::optional<costs> sum = sums.of(changed);
        if (!sum || !limits.allow(*sum)) return;
        const auto sram = detail::peak_in(context, changed, graph);
        if (!sram) return;
        sum->sram = *sram;
        if (!limits.allow(*sum)) return;
        const advised_change here{change, from.cost, *sum};
        const auto value = [&](const std::optional<advised_change>& best, auto read) {
            return read(best ? best->after : from.cost);
        };
        const auto count = [](const costs& c) { return c.mac_count; };
        const auto peak = [](const costs& c) { return c.sram.size; };
        const bool fewer = count(here.after) < value(n.fewer_macs, count);
        const bool more = count(here.after) > value(n.more_macs, count);
        const bool less = peak(here.after) < value(n.less_sram, peak);
        if ((!fewer && !more && !less) || !detail::would_be_taken(context, changed)) return;
        if (fewer) n.fewer_macs = here;
        if (more) n.more_macs = here;
        if (less) n.less_sram = here;
    });
    return n;
}

}  // namespace llmnas
