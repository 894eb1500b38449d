// SPDX-License-Identifier: MIT
/// \file
/// Lines for a network over its limits: what would make it fit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <boost/hana/unpack.hpp>

#include <llmnas/cli/model_table.hpp>
#include <llmnas/cli/nearest_input.hpp>
#include <llmnas/cli/operator_table.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/mcu/target_list.hpp>
#include <llmnas/search/smallest_changes.hpp>

namespace llmnas::cli {

/// `183,200 B, MACs -12.0 %`; with flash where that was over its limit before.
[[nodiscard]] inline std::string changed_costs_text(const costs& before, const costs& after,
                                                    const cost_limits& limits) {
    std::string text = grouped(after.sram.size.value) + " B";
    if (before.flash > limits.flash) text += ", flash " + grouped(after.flash.value) + " B";
    if (after.mac_count == before.mac_count) return text + ", MACs unchanged";
    const double change =
        static_cast<double>(after.mac_count.value) / static_cast<double>(before.mac_count.value) - 1.0;
    return text + fmt::format(", MACs {:+.1f} %", 100 * change);
}

/// The built-in target with the smallest arena, larger than that of `t`, that holds these costs.
[[nodiscard]] inline std::optional<target_info> next_target(const target_info& t, const costs& c) {
    std::optional<target_info> found;
    boost::hana::unpack(mcu::targets, [&](auto... targets) {
        const auto look = [&](auto type) {
            using T = typename decltype(type)::type;
            const bool larger = T::arena.size > t.arena.size || T::flash > t.flash;
            if (!larger || c.sram.size > T::arena.size || c.flash > T::flash) return;
            if (!found || T::arena.size < found->arena.size) found = info_of<T>();
        };
        (look(targets), ...);
    });
    return found;
}

/// Other memory models under which these costs keep the limits, with their peaks, in lines of about 100 characters.
[[nodiscard]] inline std::string other_models_text(costs c, const cost_limits& limits, std::string_view chosen,
                                                   std::span<const model_verdict> verdicts) {
    std::string text, line = "  another memory model:";
    bool any = false;
    for (const model_verdict& v : verdicts) {
        c.sram = v.peak;
        if (!v.covered.complete() || v.model.name == chosen || !limits.allow(c)) continue;
        const std::string model = fmt::format(" {} {} B", v.model.name, grouped(v.peak.size.value));
        if (any) line += ',';
        any = true;
        if (line.size() + model.size() > 100) {
            text += line + '\n';
            line = "   ";
        }
        line += model;
    }
    return any ? text + line + '\n' : "";
}

/// At most five changes of a field, the input, other memory models and targets that would make a network fit, a line
/// each; or what helps most where no field is enough. `verdicts` are those of all models.
[[nodiscard]] inline std::string what_would_fit(const checked_network& net, const cost_limits& limits, const task& t,
                                                std::span<const model_verdict> verdicts) {
    constexpr std::size_t most_lines = 5;
    const graph_view g = net.graph.view();
    const costs before = evaluate(g, t.memory);
    std::string text;
    const auto changed = [&](const suggestion& s) {
        return s.change.text() + ": " + changed_costs_text(before, s.after, limits);
    };
    const change_suggestions changes = smallest_changes(g, net.for_each_change, limits, t.memory);
    for (std::size_t i = 0; i < std::min(most_lines, changes.fitting.size()); ++i)
        text += "  " + changed(changes.fitting[i]) + '\n';
    if (changes.fitting.size() > most_lines)
        text += fmt::format("  and {} other fields\n", changes.fitting.size() - most_lines);
    if (changes.fitting.empty())
        text += changes.nearest ? "  no single field is enough; most helps " + changed(*changes.nearest) + '\n'
                                : std::string("  no single field brings it nearer to the limits\n");
    if (const auto input = nearest_input(net, limits, t.memory))
        text += fmt::format("  input {} -> {}: {}\n", shape_text(g.input), shape_text(input->first),
                            changed_costs_text(before, input->second, limits));

    text += other_models_text(before, limits, t.memory.name, verdicts);

    cost_limits macs_only = limits;
    macs_only.sram = macs_only.flash = cost_limits{}.sram;
    if (!macs_only.allow(before)) return text;
    if (before.sram.size <= t.target.arena.size && before.flash <= t.target.flash)
        text += fmt::format("  a higher limit: {} of {} has {}, its flash {}\n", t.target.arena.name, t.target.name,
                            readable(t.target.arena.size), readable(t.target.flash));
    else if (const auto next = next_target(t.target, before))
        text += fmt::format("  a larger target: {} ({} of SRAM, {} of flash)\n", next->name, readable(next->arena.size),
                            readable(next->flash));
    return text;
}

}  // namespace llmnas::cli
