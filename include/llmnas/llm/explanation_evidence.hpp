// SPDX-License-Identifier: MIT
/// \file
/// What is known about a design beside any words: the shares of its stages in each cost, where the memory peak is, what
/// every change of a single field would cost, and what such changes were measured to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/llm/explanation_facts.hpp>
#include <llmnas/search/field_changes.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/measured_effects.hpp>

namespace llmnas {

/// What a change of one field does: the costs after it, computed, and the accuracy where such a network was trained.
struct change_effect {
    field_change change;
    costs after;
    std::optional<double> accuracy;  ///< of 1; measured, never predicted
};

struct design_evidence {
    network_facts facts;
    std::string peak_place;  ///< `stage 1 block 1 project`: the operator of the peak; empty: the model does not say
    std::int32_t peak_operator = -1;
    std::vector<change_effect> effects;  ///< what saves most first
    /// Trainings of other designs of its study, each a change of one field; nothing where it is of no study.
    std::optional<std::vector<measured_effect>> measured = {};
};

/// Accuracy of a network that was trained, by its operators; nothing where none was.
using measured_accuracy = std::function<std::optional<double>(const graph_view&)>;

/// Relative change of MACs, parameters and peak SRAM by a change, added up: -0.3 saves 30 % in sum.
[[nodiscard]] inline double relative_effect(const costs& before, const costs& after) {
    const auto change = [](std::uint64_t a, std::uint64_t b) {
        return a == 0 ? 0.0 : static_cast<double>(b) / static_cast<double>(a) - 1;
    };
    return change(before.mac_count.value, after.mac_count.value) +
           change(before.parameters.value, after.parameters.value) +
           change(before.sram.size.value, after.sram.size.value);
}

/// Evidence about a lowered network. `for_each_change(visit)` calls visit(const field_change&, const graph_view&) for
/// every legal network with another value of one field. Changes without any effect on the operators are left out.
template <class ForEachChange>
[[nodiscard]] design_evidence evidence_of(const graph_view& g, const any_memory_model& memory,
                                          const ForEachChange& for_each_change,
                                          const measured_accuracy& measured = {}) {
    design_evidence e;
    e.facts = facts_of(g, memory);
    if (e.facts.memory_covered && e.facts.total.sram.at >= 0) {
        e.peak_place = place_of(origin_of(g, e.facts.total.sram));
        e.peak_operator = e.facts.total.sram.at;
    }
    for_each_change([&](const field_change& change, const graph_view& changed) {
        if (equivalent(changed, g)) return;
        e.effects.push_back({change, evaluate(changed, memory), measured ? measured(changed) : std::nullopt});
    });
    std::stable_sort(e.effects.begin(), e.effects.end(), [&](const change_effect& a, const change_effect& b) {
        return relative_effect(e.facts.total, a.after) < relative_effect(e.facts.total, b.after);
    });
    return e;
}

/// Evidence about a design.
template <LowersToOperators Design>
[[nodiscard]] design_evidence evidence_of(const Design& design, const any_memory_model& memory = {},
                                          const measured_accuracy& measured = {}) {
    const dynamic_graph graph(design);
    const auto changes = [&](const auto& visit) {
        dynamic_graph changed;
        for_each_field_change(design, [&](const field_change& change, const Design& d) {
            changed.lower(d);
            if (!changed.error()) visit(change, changed.view());
        });
    };
    return evidence_of(graph.view(), memory, changes, measured);
}

}  // namespace llmnas
