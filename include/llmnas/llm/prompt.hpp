// SPDX-License-Identifier: MIT
/// \file
/// Prompts as policies, and the paper's prompt (El Zeinaty et al., IJCNN 2025, Fig. 4) in words of our own.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/schema.hpp>
#include <llmnas/llm/feedback.hpp>
#include <llmnas/llm/language_model.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/space/sampling.hpp>

namespace llmnas {

/// Turns the state of a search into the messages of one request. The answer is expected in the form of
/// proposal_schema(). May keep state (a conversation, an example).
template <class P, class Space>
concept PromptPolicy = SearchSpace<Space> && requires(P& p, const P& c, const search_context<Space>& context) {
    { c.name() } -> std::convertible_to<std::string_view>;
    { p.messages(context) } -> std::same_as<std::vector<chat_message>>;
};

namespace detail {

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

}  // namespace detail

/// Role, task, objective, constraints, search space, example, feedback. All numbers come from the problem and the
/// space; the example is a network that keeps the limits, drawn from the space once.
template <SearchSpace Space>
class paper_prompt {
public:
    explicit paper_prompt(feedback_options options = {}) : options_(options) {}

    [[nodiscard]] static std::string_view name() { return "paper"; }

    [[nodiscard]] std::vector<chat_message> messages(const search_context<Space>& context) {
        if (!example_) example_ = draw_example(context);
        const std::string feedback = feedback_text(context, options_);
        std::string text = task_text(context.task);
        text +=
            "\n# Search space\nFor each stage one value of each list:\n" + detail::lines_of_object(axes_json<Space>());
        detail::for_each_axis<Space>([&](auto a) { text += detail::condition_words<Space, decltype(a)>::text(); });
        text += "\n# Form of the answer\n" +
                fmt::format("A JSON array of {} objects, the first stage first. {}:\n", Space::stages,
                            feasible_ ? "An example that keeps the limits" : "An example of the form") +
                detail::lines_of(*example_);
        if (!feedback.empty()) text += "\n# Search so far\n" + feedback;
        text += "\nPropose the next network now, as JSON only.\n";
        return {{chat_role::system,
                 "You design convolutional networks for image classification on microcontrollers. You answer with one "
                 "JSON value and nothing else: no explanation, no comments, no code fence."},
                {chat_role::user, std::move(text)}};
    }

private:
    [[nodiscard]] std::string task_text(const problem& task) const {
        using detail::grouped;
        using detail::has_axis;
        std::string text = fmt::format(
            "# Task\nPropose one network of {} stages that sorts images of {}x{}x{} (channels, height, width) into {} "
            "classes. The first stage takes the image; behind the last stage stand global average pooling and a "
            "linear classifier.\n",
            Space::stages, task.input.channels, task.input.height, task.input.width, task.classes);
        text += fmt::format(
            "\n# Objective\nAn accuracy of at least {:.0f} % with as few multiply-accumulates (MACs) and parameters as "
            "possible. Every new point of the Pareto front of accuracy and cost is welcome.\n",
            100 * options_.target_accuracy);
        text += "\n# Constraints\n";
        text += fmt::format("- MACs: at least {} and at most {}.\n", grouped(task.min_macs.value),
                            grouped(task.max_macs.value));
        text += fmt::format("- Peak SRAM of the int8 feature maps: at most {} bytes. Keep intermediate maps small.\n",
                            grouped(task.limits.sram.value));
        text += fmt::format("- Flash of the int8 weights: at most {} bytes.\n", grouped(task.limits.flash.value));
        if (has_axis<Space>("stride"))
            text += "- Use stride 2 in the early stages: a map that stays large costs SRAM and MACs in every layer.\n";
        if (has_axis<Space>("output_channels"))
            text += "- Start with few channels; let them grow as the map shrinks.\n";
        if (has_axis<Space>("expansion_factor"))
            text += "- Keep the expansion small in the early stages, where the expanded map sets the peak.\n";
        if (has_axis<Space>("use_se")) text += "- Use squeeze-and-excitation in few stages, preferably late ones.\n";
        text += "- Do not repeat a network that was proposed before.\n";
        return text;
    }

    /// A network within the limits (whether tried already or not), else any of the space.
    [[nodiscard]] nlohmann::ordered_json draw_example(const search_context<Space>& context) {
        splitmix64 rng{20250414};
        const auto draw = [&] { return decode(sample<Space>(rng), context.task.input, context.task.classes); };
        const auto first = draw();
        auto net = first;
        for (int i = 0; i < 20'000; ++i, net = draw()) {
            const auto judged = context.judge(net);
            feasible_ = judged || judged.error().kind == rejection_kind::duplicate;
            if (feasible_) return proposal_json<Space>(net);
        }
        return proposal_json<Space>(first);
    }

    feedback_options options_;
    std::optional<nlohmann::ordered_json> example_;
    bool feasible_ = false;  ///< the example keeps the limits
};

}  // namespace llmnas
