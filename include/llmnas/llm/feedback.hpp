// SPDX-License-Identifier: MIT
/// \file
/// What a language model is told about the search so far: the Pareto front with architectures and metrics, the most
/// accurate network, averages, and the rejections since the last trial.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/schema.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/llm/cost_words.hpp>
#include <llmnas/llm/prompt_document.hpp>
#include <llmnas/llm/suggestion_section.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// How much is told at most, and what accuracy is asked for. A short context tells less.
struct feedback_options {
    double target_accuracy = 0.70;      ///< fraction of 1
    std::size_t front_shown = 3;        ///< members of the front with their architectures, the best first
    std::size_t running_shown = 2;      ///< networks that are in training now
    std::size_t rejections_shown = 4;   ///< the latest
    std::size_t suggestions_shown = 4;  ///< changes that mend the network refused last
    std::size_t tables_shown = 2;       ///< networks whose costs are told by stage (cost_aware_prompt)
};

namespace detail {

/// Less than the paper's mini phase: accuracies say nothing about the target.
[[nodiscard]] inline bool is_short(const fidelity& f, const problem& task) {
    return f.epochs < 30 || f.resolution < task.input.height;
}

/// Accuracy, costs and the values of a user's own objectives; a remark where the search would not take the network.
template <SearchSpace Space>
[[nodiscard]] std::string trial_words(const search_context<Space>& context, const trial<Space>& t) {
    std::string text = fmt::format("trial {}{}: accuracy {}, {}{}", t.number,
                                   context.best == t.number ? ", the most accurate" : "", percent(t.training.accuracy),
                                   cost_words(t.candidate.cost), own_objective_words(context.objectives, t.values));
    if (!t.candidate.feasible) text += ". It is over a limit: do better within the limits";
    if (const auto v = encode<Space>(t.candidate.network).violation)
        text += ". It is not in the search space: " + one_line(describe<Space>(v, t.candidate.network).text(), 120);
    return text;
}

/// Members of the front, the best first: the most accurate where accuracy is an objective, else by the first objective.
template <SearchSpace Space>
[[nodiscard]] std::vector<const trial<Space>*> best_of_front(const search_context<Space>& context) {
    std::vector<const trial<Space>*> front;
    for (const std::int32_t number : context.front)
        if (const auto* t = find_trial(context, number)) front.push_back(t);
    bool by_accuracy = context.objectives.empty();
    for (const objective_info& o : context.objectives) by_accuracy |= o.name == accuracy_objective::name;
    std::stable_sort(front.begin(), front.end(), [&](const auto* a, const auto* b) {
        if (by_accuracy || a->values.empty() || b->values.empty()) return a->training.accuracy > b->training.accuracy;
        return context.objectives[0].towards == direction::maximize ? a->values[0] > b->values[0]
                                                                    : a->values[0] < b->values[0];
    });
    return front;
}

/// The front with architectures and metrics; behind it the most accurate network where it is not shown there.
template <SearchSpace Space>
void add_front(prompt_document& document, const search_context<Space>& context, const feedback_options& options) {
    const auto entry = [&](const trial<Space>& t) {
        return fmt::format("- {}\n  {}\n", trial_words(context, t), proposal_json<Space>(t.candidate.network).dump());
    };
    const auto front = best_of_front(context);
    document.section("# Pareto front", front.size());
    bool best_shown = false;
    for (std::size_t i = 0; i < std::min(front.size(), options.front_shown); ++i) {
        document.add(i == 0 ? prompt_part::example : prompt_part::later_example, entry(*front[i]));
        best_shown |= context.best == front[i]->number;
    }
    const trial<Space>* const best = context.best ? find_trial(context, *context.best) : nullptr;
    if (best == nullptr || best_shown) return;
    document.section("# Most accurate");
    document.add(prompt_part::example, entry(*best));
}

template <SearchSpace Space>
void add_statistics(prompt_document& document, const search_context<Space>& context, const feedback_options& options) {
    std::size_t complete = 0, failed = 0, running = 0;
    double accuracy = 0, mac_sum = 0, parameters = 0, sram = 0;
    std::vector<double> values(context.objectives.size());
    std::vector<std::string> running_networks;
    for (const auto& t : context.trials) {
        if (t.state == trial_state::failed) ++failed;
        if (t.state == trial_state::running && ++running <= options.running_shown)
            running_networks.push_back(
                fmt::format("- trial {}: {}\n", t.number, proposal_json<Space>(t.candidate.network).dump()));
        if (t.state != trial_state::complete) continue;
        ++complete;
        accuracy += t.training.accuracy;
        mac_sum += static_cast<double>(t.candidate.cost.mac_count.value);
        parameters += static_cast<double>(t.candidate.cost.parameters.value);
        sram += static_cast<double>(t.candidate.cost.sram.size.value);
        for (std::size_t i = 0; i < std::min(values.size(), t.values.size()); ++i) values[i] += t.values[i];
    }
    if (complete > 0) {
        const auto n = static_cast<double>(complete);
        const auto mean = [n](double sum) { return grouped(static_cast<std::uint64_t>(sum / n)); };
        for (double& v : values) v /= n;
        document.section(fmt::format("# Averages over {} trained network{}", complete, complete == 1 ? "" : "s"));
        document.add(
            prompt_part::statistics,
            fmt::format("- accuracy {}, {} MACs, {} parameters, {} bytes of peak SRAM{}\n", percent(accuracy / n),
                        mean(mac_sum), mean(parameters), mean(sram), own_objective_words(context.objectives, values)));
    }
    if (failed > 0) {
        document.section("# Failed in training");
        document.add(prompt_part::statistics, fmt::format("- {} network{}\n", failed, failed == 1 ? "" : "s"));
    }
    document.section("# In training now", running);
    for (std::string& text : running_networks) document.add(prompt_part::statistics, std::move(text));
}

/// The latest rejections, oldest first, with the current value and the wanted range.
template <SearchSpace Space>
void add_rejections(prompt_document& document, const search_context<Space>& context, const feedback_options& options) {
    const std::size_t shown = std::min(context.rejections.size(), options.rejections_shown);
    document.section("# Refused since the last trial", context.rejections.size());
    for (std::size_t i = 0; i < shown; ++i) {
        const rejection& r = context.rejections[context.rejections.size() - shown + i];
        document.add(i + 1 < shown ? prompt_part::older_rejection : prompt_part::rejection,
                     "- " + one_line(r.why.text(), 300) + "\n");
    }
}

/// What to heed about a rejection that no change of a field mends.
[[nodiscard]] inline std::string note_on(rejection_kind kind, std::size_t stages) {
    switch (kind) {
        case rejection_kind::duplicate:
            return "Change at least one field that has an effect on the network; the one refused is known already.";
        case rejection_kind::out_of_space:
            return "Use only the values listed in the search space.";
        case rejection_kind::malformed:
            return fmt::format("Answer with the JSON array of {} objects alone.", stages);
        case rejection_kind::illegal:
            return "Keep the map large enough for the kernels of the late stages.";
        default:
            return {};
    }
}

/// How far the search is from what it looks for.
template <SearchSpace Space>
void add_notes(prompt_document& document, const search_context<Space>& context, const feedback_options& options) {
    document.section("# Notes");
    const auto add = [&](const std::string& text) { document.add(prompt_part::note, "- " + text + "\n"); };
    std::array<bool, rejection_kinds> said{};
    for (auto r = context.rejections.rbegin(); r != context.rejections.rend(); ++r) {
        bool& once = said[static_cast<std::size_t>(r->kind)];
        if (once) continue;
        once = true;
        if (const auto text = note_on(r->kind, Space::stages); !text.empty()) add(text);
    }
    const trial<Space>* const best = context.best ? find_trial(context, *context.best) : nullptr;
    if (best == nullptr) return;
    const costs& c = best->candidate.cost;
    const problem& task = context.task;
    if (is_short(best->fidelity, task)) {
        add(fmt::format(
            "All accuracies are those of a short training ({} epochs at {} pixels): they rank the networks; "
            "a full training reaches far more.",
            best->fidelity.epochs, best->fidelity.resolution));
    } else if (const double missing = options.target_accuracy - best->training.accuracy; missing <= 0) {
        add(fmt::format("Trial {} reaches the target: keep its accuracy with fewer than {} MACs and {} parameters.",
                        best->number, grouped(c.mac_count.value), grouped(c.parameters.value)));
    } else {
        std::string text = fmt::format("The most accurate network is {:.2f} points short of the target", 100 * missing);
        if (task.max_macs.value > 0 && limits_of(task).max_macs != cost_limits{}.max_macs) {
            const double share = static_cast<double>(c.mac_count.value) / static_cast<double>(task.max_macs.value);
            text += fmt::format(" at {:.0f} % of the largest number of MACs: {}", 100 * share,
                                share < 0.6 ? "spend more of it"
                                            : "spend them elsewhere, with other values of the other fields per stage");
        }
        add(text + ".");
    }
    const dynamic_graph graph(best->candidate.network);
    if (!graph.error() && c.sram.at >= 0 &&
        saturating_mul(c.sram.size.value, 10) > saturating_mul(task.limits.sram.value, 9))
        add(fmt::format("Trial {} has its peak SRAM at {}, {} of {} bytes: grow the other stages only.", best->number,
                        place_of(origin_of(graph.view(), c.sram)), grouped(c.sram.size.value),
                        grouped(task.limits.sram.value)));
}

}  // namespace detail
}  // namespace llmnas
