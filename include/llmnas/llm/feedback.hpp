// SPDX-License-Identifier: MIT
/// \file
/// What a language model is told about the search so far: the Pareto front with architectures and metrics, the most
/// accurate network, averages, suggestions, and the rejections since the last trial.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/json/schema.hpp>
#include <llmnas/json/utf8.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/proposer.hpp>

namespace llmnas {

/// How much is told, and what accuracy is asked for.
struct feedback_options {
    double target_accuracy = 0.70;     ///< fraction of 1
    std::size_t front_shown = 3;       ///< members of the front with their architectures, the most accurate first
    std::size_t running_shown = 2;     ///< networks that are in training now
    std::size_t rejections_shown = 4;  ///< the latest
};

namespace detail {

/// 81,963,264
[[nodiscard]] inline std::string grouped(std::uint64_t n) {
    std::string text = fmt::format("{}", n);
    for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
    return text;
}

[[nodiscard]] inline std::string percent(double fraction) { return fmt::format("{:.2f} %", 100 * fraction); }

[[nodiscard]] inline std::string cost_words(const costs& c) {
    return fmt::format("{} MACs, {} parameters, {} bytes of peak SRAM, {} bytes of flash", grouped(c.mac_count.value),
                       grouped(c.parameters.value), grouped(c.sram.size.value), grouped(c.flash.value));
}

template <SearchSpace Space>
[[nodiscard]] const trial<Space>* find_trial(const search_context<Space>& context, std::int32_t number) {
    for (const auto& t : context.trials)
        if (t.number == number) return &t;
    return nullptr;
}

/// Where the peak of SRAM occurs, in words; empty where the network does not say.
template <SearchSpace Space>
[[nodiscard]] std::string peak_place(const trial<Space>& t) {
    const dynamic_graph graph(t.candidate.network);
    if (graph.error() || t.candidate.cost.sram.at < 0) return {};
    return place_of(origin_of(graph.view(), t.candidate.cost.sram));
}

/// What to do about a rejection; `where` is the place that it names.
[[nodiscard]] inline std::string advice_on(rejection_kind kind, const std::string& where, std::size_t stages) {
    switch (kind) {
        case rejection_kind::macs_high:
            return "Lower the MACs: shrink the map earlier by stride 2, and use fewer layers, less expansion or fewer "
                   "channels where the map is still large.";
        case rejection_kind::macs_low:
            return "Raise the MACs into the range: more layers, more channels or larger kernels, first in the late "
                   "stages, where SRAM is not the limit.";
        case rejection_kind::sram:
            return fmt::format(
                "Lower the peak SRAM at {}: fewer channels or less expansion there, or stride 2 at or "
                "before that stage.",
                where);
        case rejection_kind::flash:
            return "Lower the number of weights: fewer channels or layers in the late stages.";
        case rejection_kind::duplicate:
            return "Change at least one field that has an effect on the network; this one is known already.";
        case rejection_kind::out_of_space:
            return "Use only the values listed in the search space.";
        case rejection_kind::malformed:
            return fmt::format("Answer with the JSON array of {} objects alone.", stages);
        case rejection_kind::illegal:
            return "Keep the map large enough for the kernels of the late stages.";
        case rejection_kind::no_reply:
        case rejection_kind::exhausted:
            break;
    }
    return {};
}

/// Less than the paper's mini phase: accuracies say nothing about the target.
[[nodiscard]] inline bool is_short(const fidelity& f, const problem& task) {
    return f.epochs < 30 || f.resolution < task.input.height;
}

template <SearchSpace Space>
void append_suggestions(std::string& out, const search_context<Space>& context, const feedback_options& options) {
    std::vector<std::string> lines;
    std::array<bool, rejection_kinds> said{};
    for (auto r = context.rejections.rbegin(); r != context.rejections.rend(); ++r) {
        bool& once = said[static_cast<std::size_t>(r->kind)];
        if (once) continue;
        once = true;
        if (auto line = advice_on(r->kind, one_line(r->why.where, 60), Space::stages); !line.empty())
            lines.push_back(std::move(line));
    }
    const trial<Space>* const best = context.best ? find_trial(context, *context.best) : nullptr;
    if (best != nullptr && is_short(best->fidelity, context.task)) {
        const fidelity& f = best->fidelity;
        lines.push_back(
            fmt::format("All accuracies are those of a short training ({} epochs at {} pixels): they rank the "
                        "networks; a full training reaches far more.",
                        f.epochs, f.resolution));
    } else if (best != nullptr) {
        const costs& c = best->candidate.cost;
        const problem& task = context.task;
        const double missing = options.target_accuracy - best->training.accuracy;
        const double share = static_cast<double>(c.mac_count.value) /
                             static_cast<double>(std::max<std::uint64_t>(task.max_macs.value, 1));
        if (missing <= 0)
            lines.push_back(
                fmt::format("Trial {} reaches the target: keep its accuracy with fewer than {} MACs and {} "
                            "parameters.",
                            best->number, grouped(c.mac_count.value), grouped(c.parameters.value)));
        else if (share < 0.6 && !said[static_cast<std::size_t>(rejection_kind::macs_high)])
            lines.push_back(
                fmt::format("The most accurate network is {:.2f} points short of the target and uses {:.0f} % "
                            "of the largest number of MACs: spend more of it.",
                            100 * missing, 100 * share));
        else
            lines.push_back(
                fmt::format("The most accurate network is {:.2f} points short of the target at {:.0f} % of the "
                            "largest number of MACs: spend them elsewhere, with other kernels, "
                            "activations or channels per stage.",
                            100 * missing, 100 * share));
    }
    if (best != nullptr) {
        const costs& c = best->candidate.cost;
        const problem& task = context.task;
        if (const auto place = peak_place(*best);
            !place.empty() && saturating_mul(c.sram.size.value, 10) > saturating_mul(task.limits.sram.value, 9))
            lines.push_back(fmt::format("Trial {} has its peak SRAM at {}, {} of {} bytes: grow the other stages only.",
                                        best->number, place, grouped(c.sram.size.value),
                                        grouped(task.limits.sram.value)));
    }
    if (lines.empty()) return;
    out += "\n## Suggestions\n";
    for (const std::string& line : lines) out += "- " + line + "\n";
}

}  // namespace detail

/// Markdown text; empty before the first trial and rejection.
template <SearchSpace Space>
[[nodiscard]] std::string feedback_text(const search_context<Space>& context, const feedback_options& options = {}) {
    using detail::grouped;
    std::string out;
    const auto describe = [&](const trial<Space>& t) {
        return fmt::format("- trial {}: accuracy {}, {}\n  {}\n", t.number, detail::percent(t.training.accuracy),
                           detail::cost_words(t.candidate.cost), proposal_json<Space>(t.candidate.network).dump());
    };

    std::vector<const trial<Space>*> front;
    for (const std::int32_t number : context.front)
        if (const auto* t = detail::find_trial(context, number)) front.push_back(t);
    std::stable_sort(front.begin(), front.end(),
                     [](const auto* a, const auto* b) { return a->training.accuracy > b->training.accuracy; });
    if (!front.empty()) {
        out += fmt::format("\n## Pareto front ({} of {} members)\n", std::min(front.size(), options.front_shown),
                           front.size());
        for (std::size_t i = 0; i < front.size() && i < options.front_shown; ++i) out += describe(*front[i]);
    }
    if (const trial<Space>* best = context.best ? detail::find_trial(context, *context.best) : nullptr) {
        const auto end = front.begin() + static_cast<std::ptrdiff_t>(std::min(front.size(), options.front_shown));
        out += "\n## Most accurate\n";
        out += std::find(front.begin(), end, best) != end ? fmt::format("- trial {}, listed above\n", best->number)
                                                          : describe(*best);
        if (!best->candidate.feasible) out += "  This network is over a limit: do better within the limits.\n";
    }

    std::size_t complete = 0;
    std::size_t failed = 0;
    double accuracy = 0;
    double mac_sum = 0;
    double parameters = 0;
    double sram = 0;
    std::string running;
    std::size_t running_count = 0;
    for (const auto& t : context.trials) {
        if (t.state == trial_state::failed) ++failed;
        if (t.state == trial_state::running && running_count++ < options.running_shown)
            running += fmt::format("- trial {}: {}\n", t.number, proposal_json<Space>(t.candidate.network).dump());
        if (t.state != trial_state::complete) continue;
        ++complete;
        accuracy += t.training.accuracy;
        mac_sum += static_cast<double>(t.candidate.cost.mac_count.value);
        parameters += static_cast<double>(t.candidate.cost.parameters.value);
        sram += static_cast<double>(t.candidate.cost.sram.size.value);
    }
    if (complete > 0) {
        const auto n = static_cast<double>(complete);
        const auto mean = [n](double sum) { return grouped(static_cast<std::uint64_t>(sum / n)); };
        out += fmt::format(
            "\n## Averages over {} trained networks\n- accuracy {}, {} MACs, {} parameters, {} bytes of "
            "peak SRAM\n",
            complete, detail::percent(accuracy / n), mean(mac_sum), mean(parameters), mean(sram));
    }
    if (failed > 0) out += fmt::format("\n## Failed in training\n- {} networks\n", failed);
    if (!running.empty()) out += "\n## In training now\n" + running;
    if (!context.rejections.empty()) {
        const std::size_t shown = std::min(context.rejections.size(), options.rejections_shown);
        out += fmt::format("\n## Rejected since the last trial ({} of {})\n", shown, context.rejections.size());
        for (const rejection& r : context.rejections.last(shown)) out += "- " + one_line(r.why.text(), 300) + "\n";
    }
    detail::append_suggestions(out, context, options);
    return out;
}

}  // namespace llmnas
