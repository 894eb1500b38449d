// SPDX-License-Identifier: MIT
/// \file
/// What single fields are measured to do: trials of a study that differ from one of them in one field.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/search/field_changes.hpp>
#include <llmnas/search/trial.hpp>
#include <llmnas/space/canonical.hpp>

namespace llmnas {

namespace detail {

/// Whether a field of a stage exists and has an effect there.
template <SearchSpace Space, class Field>
[[nodiscard]] constexpr bool has_effect(const typename Space::stage_type& s) {
    bool exists = !is_inert<typename Space::blocks, Field::member>(s);
    for_each_axis<Space>([&](auto axis) {
        if constexpr (same_member<decltype(axis)::member, Field::member>) exists = exists && decltype(axis)::active(s);
    });
    return exists;
}

/// Adds the fields in which two stages differ. Of those that exist in one of the two alone, the others are the cause:
/// they go with the change.
template <SearchSpace Space>
void add_differences(std::size_t s, const typename Space::stage_type& from, const typename Space::stage_type& to,
                     std::vector<field_change>& changes) {
    using Blocks = typename Space::blocks;
    std::string with;
    const std::size_t before = changes.size();
    for_each_field<Space>([&](auto field) {
        using Field = decltype(field);
        const auto &a = from.*Field::member, &b = to.*Field::member;
        if (!has_effect<Space, Field>(to)) return;
        if (!has_effect<Space, Field>(from)) {
            with += fmt::format("{}{} {}", with.empty() ? "" : " and ", Field::name, value_text<Blocks>(b));
        } else if (!(a == b)) {
            changes.push_back(
                {fmt::format("stage {}", s + 1), Field::name, value_text<Blocks>(a), value_text<Blocks>(b)});
            for_each_axis<Space>([&](auto axis) {
                if constexpr (same_member<decltype(axis)::member, Field::member>)
                    changes.back().steps = steps_between<decltype(axis)>(a, b);
            });
        }
    });
    if (changes.size() > before) changes.back().with = std::move(with);
}

}  // namespace detail

/// The change of one field of one stage that makes a network another one; nothing where they are the same to the space
/// or differ in more. Fields without effect do not count, and a field that exists only then goes with the change.
template <SearchSpace Space>
[[nodiscard]] std::optional<field_change> single_change(const network_of<Space>& from, const network_of<Space>& to) {
    if (!(from.input == to.input) || from.classes != to.classes) return std::nullopt;
    std::vector<field_change> changes;
    for (std::size_t s = 0; s < Space::stages; ++s)
        detail::add_differences<Space>(s, from.stages[s], to.stages[s], changes);
    if (changes.size() != 1) return std::nullopt;
    return std::move(changes.front());
}

/// Another trial of a study, as a change of the design looked at.
struct measured_effect {
    std::int32_t trial = 0;
    field_change change;  ///< from the design to the trial's network
    double accuracy = 0;  ///< of the trial, of 1
    costs after;          ///< of the trial's network
};

/// The other complete trials of the same fidelity that differ from one in a single field, the most accurate first. Each
/// was trained once and with a seed of its own: a difference holds the noise of training, too.
template <SearchSpace Space>
[[nodiscard]] std::vector<measured_effect> measured_effects(std::span<const trial<Space>> trials,
                                                            const trial<Space>& design) {
    std::vector<measured_effect> effects;
    for (const trial<Space>& t : trials) {
        if (t.number == design.number || t.state != trial_state::complete || !(t.fidelity == design.fidelity)) continue;
        if (auto change = single_change<Space>(design.candidate.network, t.candidate.network))
            effects.push_back({t.number, *std::move(change), t.training.accuracy, t.candidate.cost});
    }
    std::stable_sort(effects.begin(), effects.end(),
                     [](const measured_effect& a, const measured_effect& b) { return a.accuracy > b.accuracy; });
    return effects;
}

}  // namespace llmnas
