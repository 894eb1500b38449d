// SPDX-License-Identifier: MIT
/// \file
/// The parts of a prompt that do not depend on results: task, objectives, limits and search space, all from the
/// problem, the space, the objectives and the memory model of the search.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/json/schema.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/llm/prompt_document.hpp>
#include <llmnas/llm/suggestions.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas::detail {

template <SearchSpace Space>
[[nodiscard]] constexpr bool has_axis(std::string_view name) {
    return std::find(axis_names<Space>.begin(), axis_names<Space>.end(), name) != axis_names<Space>.end();
}

/// `"se_ratio" exists only where "use_se" is true.` for each axis under a condition on another axis.
template <SearchSpace Space, class Axis>
struct condition_words {
    static std::string text() { return {}; }
};
template <SearchSpace Space, class Axis, auto... Members, auto... Values>
struct condition_words<Space, axis_when<Axis, is<Members, Values>...>> {
    static std::string text() {
        std::string conditions;
        const auto add = [&](std::string_view name, const nlohmann::ordered_json& value) {
            conditions += fmt::format("{}\"{}\" is {}", conditions.empty() ? "" : " and ", name, value.dump());
        };
        (for_each_axis<Space>([&](auto a) {
             using Other = decltype(a);
             if constexpr (same_member<Other::member, Members>)
                 add(a.name, value_to_json<typename Space::blocks>(static_cast<typename Other::value_type>(Values)));
         }),
         ...);
        if (conditions.empty()) return {};
        return fmt::format("\"{}\" exists only where {}.\n", Axis::name, conditions);
    }
};

/// `[`, one object a line, `]`.
[[nodiscard]] inline std::string lines_of(const nlohmann::ordered_json& list) {
    std::string text = "[\n";
    for (std::size_t i = 0; i < list.size(); ++i) text += "  " + list[i].dump() + (i + 1 < list.size() ? ",\n" : "\n");
    return text + "]\n";
}

/// One object, one member a line.
[[nodiscard]] inline std::string lines_of_object(const nlohmann::ordered_json& object) {
    std::string text = "{\n";
    std::size_t i = 0;
    for (const auto& item : object.items())
        text += fmt::format("  \"{}\": {}{}\n", item.key(), item.value().dump(), ++i < object.size() ? "," : "");
    return text + "}\n";
}

template <SearchSpace Space>
void add_task(prompt_document& document, const search_context<Space>& context) {
    const problem& task = context.task;
    document.section("# Task");
    document.add(prompt_part::essential,
                 fmt::format("Propose one network of {} stages that sorts images of {}x{}x{} (channels, height, width) "
                             "into {} classes. The first stage takes the image; behind the last stage stand global "
                             "average pooling and a linear classifier.\n",
                             Space::stages, task.input.channels, task.input.height, task.input.width, task.classes));
}

/// What the search looks for, from its objectives.
template <SearchSpace Space>
void add_objectives(prompt_document& document, const search_context<Space>& context, double target_accuracy) {
    std::string more, less, target;
    for (const objective_info& o : context.objectives) {
        std::string& words = o.towards == direction::maximize ? more : less;
        words += (words.empty() ? "" : ", ") + objective_words(o.name);
        if (o.name == accuracy_objective::name)
            target = fmt::format(" An accuracy of {:.0f} % is the target.", 100 * target_accuracy);
    }
    std::string text;
    if (!more.empty()) text += fmt::format("As much as possible: {}.", more);
    if (!less.empty()) text += fmt::format("{}As little as possible: {}.", text.empty() ? "" : " ", less);
    document.section("# Objectives");
    document.add(prompt_part::detail, text + target + " Every new point of the Pareto front is welcome.\n");
}

/// The limits that are set, and where wanted general advice on fields that the space has.
template <SearchSpace Space>
void add_constraints(prompt_document& document, const search_context<Space>& context, bool with_advice = true) {
    const problem& task = context.task;
    const cost_limits limits = limits_of(task);
    const auto limit = [&](std::string text) { document.add(prompt_part::essential, "- " + std::move(text) + "\n"); };
    const auto advice = [&](std::string_view text) {
        if (with_advice) document.add(prompt_part::advice, fmt::format("- {}\n", text));
    };
    document.section("# Constraints");
    if (limits.max_macs != cost_limits{}.max_macs)
        limit(fmt::format("MACs (multiply-accumulates): at least {} and at most {}.", grouped(task.min_macs.value),
                          grouped(task.max_macs.value)));
    else if (limits.limit_macs())
        limit(fmt::format("MACs (multiply-accumulates): at least {}.", grouped(task.min_macs.value)));
    if (limits.limit_sram())
        limit(
            fmt::format("Peak SRAM of the int8 feature maps: at most {} bytes by the memory model {}. Keep "
                        "intermediate maps small.",
                        grouped(task.limits.sram.value), context.memory.name));
    if (limits.limit_flash())
        limit(fmt::format("Flash of the int8 weights: at most {} bytes.", grouped(task.limits.flash.value)));
    limit("Do not repeat a network that was proposed before.");
    if constexpr (has_axis<Space>("stride"))
        advice("Use stride 2 in the early stages: a map that stays large costs SRAM and MACs in every layer.");
    if constexpr (has_axis<Space>("output_channels"))
        advice("Start with few channels; let them grow as the map shrinks.");
    if constexpr (has_axis<Space>("expansion_factor"))
        advice("Keep the expansion small in the early stages, where the expanded map sets the peak.");
    if constexpr (has_axis<Space>("use_se")) advice("Use squeeze-and-excitation in few stages, preferably late ones.");
}

template <SearchSpace Space>
void add_space(prompt_document& document) {
    document.section("# Search space");
    document.add(prompt_part::essential,
                 "For each stage one value of each list:\n" + lines_of_object(axes_json<Space>()));
    for_each_axis<Space>([&](auto a) {
        if (auto text = condition_words<Space, decltype(a)>::text(); !text.empty())
            document.add(prompt_part::detail, std::move(text));
    });
}

}  // namespace llmnas::detail
