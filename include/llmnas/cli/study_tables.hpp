// SPDX-License-Identifier: MIT
/// \file
/// What the commands of `llmnas study` print of one study, as text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <llmnas/cli/study_files.hpp>
#include <llmnas/cli/text_table.hpp>
#include <llmnas/cli/units.hpp>

namespace llmnas::cli {

/// Where the hypervolume of a study ends unless the user says otherwise: accuracy 0, the limit of MACs, and as many
/// parameters as the limit of flash has bytes (int8: a network with more cannot fit).
[[nodiscard]] inline std::vector<double> default_reference(const problem& p) {
    return {0, static_cast<double>(p.max_macs.value), static_cast<double>(p.limits.flash.value)};
}

/// Volume between the best conceivable values (accuracy 1, no MACs, no parameters) and the reference point.
[[nodiscard]] inline double box_of(const std::vector<double>& reference) {
    return (1 - reference[0]) * reference[1] * reference[2];
}

[[nodiscard]] inline std::string reference_text(const std::vector<double>& r) {
    return fmt::format("accuracy {}, {} MACs, {} parameters", r[0], grouped(static_cast<std::uint64_t>(r[1])),
                       grouped(static_cast<std::uint64_t>(r[2])));
}

/// Trials by state.
struct state_counts {
    std::int32_t of[5] = {};

    explicit state_counts(std::span<const trial<table1_se>> trials) {
        for (const auto& t : trials) ++of[static_cast<std::size_t>(t.state)];
    }

    [[nodiscard]] std::int32_t operator[](trial_state s) const { return of[static_cast<std::size_t>(s)]; }

    /// `12: 10 complete, 1 failed, 1 running`
    [[nodiscard]] std::string text() const {
        std::vector<std::string> parts;
        std::int32_t all = 0;
        for (const trial_state s : {trial_state::complete, trial_state::pruned, trial_state::failed,
                                    trial_state::running, trial_state::waiting}) {
            all += (*this)[s];
            if ((*this)[s] > 0) parts.push_back(fmt::format("{} {}", (*this)[s], name_of(s)));
        }
        return all == 0 ? "none" : fmt::format("{}: {}", all, fmt::join(parts, ", "));
    }
};

/// `7: 4 sram, 3 duplicate`
[[nodiscard]] inline std::string rejections_text(const rejection_counts& counts) {
    std::vector<std::string> parts;
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < rejection_kinds; ++k) {
        all += counts[k];
        if (counts[k] > 0) parts.push_back(fmt::format("{} {}", counts[k], name_of(static_cast<rejection_kind>(k))));
    }
    return all == 0 ? "none" : fmt::format("{}: {}", all, fmt::join(parts, ", "));
}

[[nodiscard]] inline std::string hours_text(double seconds) { return fmt::format("{:.3g} h", seconds / 3600); }

/// Trials as rows, most accurate first.
[[nodiscard]] inline std::string trial_table(const study_on_disk& s, std::vector<std::int32_t> numbers) {
    const auto at = [&](std::int32_t n) -> const auto& { return s.trials()[static_cast<std::size_t>(n)]; };
    std::stable_sort(numbers.begin(), numbers.end(),
                     [&](std::int32_t a, std::int32_t b) { return at(a).training.accuracy > at(b).training.accuracy; });
    text_table table(
        {{"trial"}, {"proposer", align::left}, {"top-1 %"}, {"MACs"}, {"params"}, {"flash B"}, {"SRAM B"}});
    for (const std::int32_t n : numbers) {
        const auto& t = at(n);
        const costs& c = t.candidate.cost;
        table.add({fmt::format("{}", n), t.proposer, fmt::format("{:.2f}", 100 * t.training.accuracy),
                   grouped(c.mac_count.value), grouped(c.parameters.value), grouped(c.flash.value),
                   grouped(c.sram.size.value)});
    }
    return table.text();
}

/// A study in lines of text: `llmnas study show`. Error: a reference point that is none.
[[nodiscard]] inline result<std::string> study_text(const study_on_disk& s, const std::vector<double>& reference) {
    std::string text;
    const auto line = [&](std::string_view name, const std::string& value) {
        text += fmt::format("{:<12} {}\n", name, value);
    };
    const problem& p = s.task.limits;
    const search_outcome outcome = s.outcome();
    const auto curve = curve_of(s.journal, reference);
    if (!curve) return tl::unexpected<error>(curve.error());
    const auto at = [&](std::int32_t n) -> const auto& { return s.trials()[static_cast<std::size_t>(n)]; };
    line("study", s.dir);
    line("search", s.search().empty() ? "no proposal yet" : s.search());
    line("seed", s.config.value("seed", json_value()).dump());
    line("space",
         fmt::format("{}; objectives {}", table1_se::name, fmt::join(objective_names<paper_objectives>, ", ")));
    line("network", fmt::format("{}x{}x{}, {} classes, {} to {} MACs", p.input.channels, p.input.height, p.input.width,
                                p.classes, grouped(p.min_macs.value), grouped(p.max_macs.value)));
    line("target", fmt::format("{}; SRAM at most {} by {}, flash at most {}", s.task.target.name,
                               readable(p.limits.sram), s.task.memory.name, readable(p.limits.flash)));
    line("fidelity",
         fmt::format("{} px, {} images, {} epochs, batch {}", s.fidelity.resolution,
                     s.fidelity.images == 0 ? "all" : grouped(static_cast<std::uint64_t>(s.fidelity.images)),
                     s.fidelity.epochs, s.fidelity.batch));
    line("trials", state_counts(s.trials()).text());
    line("refused", rejections_text(s.journal.rejections()));
    line("front", fmt::format("{} networks", outcome.front.size()));
    if (const auto winner = winner_of(s.trials(), outcome))
        line("best", fmt::format("{:.2f} %, trial {} by {}, on the front", 100 * at(*winner).training.accuracy, *winner,
                                 at(*winner).proposer));
    if (outcome.best && !at(*outcome.best).candidate.feasible)
        line("", fmt::format("{:.2f} %, trial {} by {}, over a limit", 100 * at(*outcome.best).training.accuracy,
                             *outcome.best, at(*outcome.best).proposer));
    const curve_point last = curve->empty() ? curve_point{} : curve->back();
    line("hypervolume",
         fmt::format("{:.4f} of the box up to {}", last.hypervolume / box_of(reference), reference_text(reference)));
    line("training", fmt::format("{}, {} epoch{}", hours_text(training_seconds(s.journal)), last.epochs,
                                 last.epochs == 1 ? "" : "s"));
    const proposal_counters& c = s.journal.counters();
    if (c.calls > 0)
        line("model", fmt::format("{} calls, {} tokens in, {} out, {}", c.calls, grouped(c.prompt_tokens),
                                  grouped(c.completion_tokens), hours_text(c.seconds)));
    return text;
}

}  // namespace llmnas::cli
