// SPDX-License-Identifier: MIT
/// \file
/// The end of a search: tables on stdout, and the files of the results.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/network_header.hpp>
#include <llmnas/search/results.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::cli {

/// A trial of a search as a header with its static_asserts.
[[nodiscard]] inline std::string trial_header(const trial<table1_se>& t, const task& task) {
    const dynamic_graph graph(t.candidate.network);
    const std::string remark =
        fmt::format("trial {} of the study, {:.2f} % on the validation split of its mini training", t.number,
                    100 * t.training.accuracy);
    return network_header(t.candidate.network, evaluate(graph.view()), "winner", task.target.name, task.limits.limits,
                          remark);
}

template <class Study>
[[nodiscard]] result<void> write_results(const std::filesystem::path& dir, const Study& study,
                                         const search_outcome& outcome, const task& t) {
    const auto trials = study.trials();
    if (auto w = write_text_file(dir / "results.json", results_json(study, outcome, trials).dump(2) + "\n"); !w)
        return w;
    if (auto w = write_text_file(dir / "results.csv", results_csv(outcome, trials)); !w) return w;
    const auto winner = winner_of(trials, outcome);
    if (!winner) return {};
    return write_text_file(dir / "winner.hpp", trial_header(trials[static_cast<std::size_t>(*winner)], t));
}

namespace detail {

template <class Trial>
void print_trial(const Trial& t, bool on_front) {
    const costs& c = t.candidate.cost;
    const bool trained = t.state == trial_state::complete || t.state == trial_state::pruned;
    const std::string accuracy =
        trained ? fmt::format("{:.2f}", 100 * t.training.accuracy) : std::string(name_of(t.state));
    fmt::print("{:>5} {} {:<10} {:>9} {:>13} {:>11} {:>9} {:>9} {:>7.1f}{}{}\n", t.number, on_front ? '*' : ' ',
               t.proposer, accuracy, grouped(c.mac_count.value), grouped(c.parameters.value),
               fmt::format("{:.1f}", static_cast<double>(c.flash.value) / 1024),
               fmt::format("{:.1f}", static_cast<double>(c.sram.size.value) / 1024), t.training.seconds,
               t.candidate.feasible ? "" : "  over a limit",
               t.rung ? fmt::format("  rung {} of {}", t.rung->number + 1, t.rung->of) : "");
}

inline void print_head() {
    fmt::print("{:>5}   {:<10} {:>9} {:>13} {:>11} {:>9} {:>9} {:>7}\n", "trial", "proposer", "top-1 %", "MACs",
               "params", "flash KiB", "SRAM KiB", "s");
}

}  // namespace detail

/// What a language model did, and how its proposals ended; empty where none was asked.
template <SearchSpace Space>
[[nodiscard]] std::string calls_text(const proposal_counters& c, std::span<const trial<Space>> trials,
                                     std::uint64_t refused) {
    std::string text;
    std::uint64_t as_proposed = 0, repaired = 0, instead = 0;
    const std::string* why = nullptr;
    for (const auto& t : trials) {
        if (t.proposer == "llm") ++(t.history.repaired.empty() ? as_proposed : repaired);
        if (t.history.instead_of.empty()) continue;
        ++instead;
        why = &t.history.instead_of;
    }
    if (c.calls > 0) {
        text += fmt::format("Language model: {} calls, {} without an answer, {} cut at the limit of tokens\n", c.calls,
                            c.failed_calls, c.cut_replies);
        text += fmt::format("  {} proposals: {} trained as proposed, {} repaired and trained, {} refused, {} unused\n",
                            c.proposals, as_proposed, repaired, refused, c.unused);
        if (c.repaired_replies > 0)
            text += fmt::format("  {} of them read after repairs of the reply: {}\n", c.repaired_replies,
                                c.reply_repairs.text());
        text +=
            fmt::format("  {} tokens in, {} out, {:.1f} s{}\n", grouped(c.prompt_tokens), grouped(c.completion_tokens),
                        c.seconds, c.cost > 0 ? fmt::format(", cost {:.4f}", c.cost) : "");
    }
    if (why != nullptr) text += fmt::format("  evolution proposed {} trials instead; last: {}\n", instead, *why);
    return text;
}

template <class Study>
void print_search(const Study& study, const search_outcome& outcome, const std::string& dir) {
    const auto trials = study.trials();
    const auto on_front = [&](std::int32_t n) {
        return std::binary_search(outcome.front.begin(), outcome.front.end(), n);
    };
    fmt::print("\nAll trials (* on the Pareto front; accuracy on the validation split)\n");
    detail::print_head();
    for (const auto& t : trials) detail::print_trial(t, on_front(t.number));

    std::uint64_t refused = 0;
    std::string reasons;
    for (std::size_t k = 0; k < rejection_kinds; ++k)
        if (study.rejections()[k] > 0) {
            refused += study.rejections()[k];
            reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", study.rejections()[k],
                                   name_of(static_cast<rejection_kind>(k)));
        }
    if (refused > 0) fmt::print("\nProposals refused before training: {} ({})\n", refused, reasons);
    if (const auto calls = calls_text(study.counters(), trials, refused); !calls.empty()) fmt::print("\n{}", calls);

    fmt::print("\nPareto front: accuracy, MACs, parameters\n");
    detail::print_head();
    std::vector<std::int32_t> front = outcome.front;
    std::sort(front.begin(), front.end(), [&](std::int32_t a, std::int32_t b) {
        return trials[static_cast<std::size_t>(a)].training.accuracy >
               trials[static_cast<std::size_t>(b)].training.accuracy;
    });
    for (const std::int32_t n : front) detail::print_trial(trials[static_cast<std::size_t>(n)], true);

    if (const auto winner = winner_of(trials, outcome)) {
        const auto& t = trials[static_cast<std::size_t>(*winner)];
        fmt::print("\nBest network within the limits: trial {}, {:.2f} %\n", t.number, 100 * t.training.accuracy);
        int number = 1;
        for (const auto& s : t.candidate.network.stages) {
            const bool mbconv = s.conv_type == block_type::mbconv;
            fmt::print("  stage {}: {} x {}{} {}x{}/{} -> {} channels, {}{}{}\n", number++, s.num_layers,
                       name_of<table1_blocks>(s.conv_type), mbconv ? fmt::format(" x{}", s.expansion_factor) : "",
                       s.kernel_size, s.kernel_size, s.stride, s.output_channels, name_of(s.activation),
                       s.use_se ? fmt::format(", SE {}", s.se_ratio.value()) : "",
                       s.skip_op == skip_kind::residual ? ", residual" : "");
        }
    }
    fmt::print("\nResults in {}: journal.log (Optuna's journal format), results.json, results.csv, winner.hpp\n", dir);
}

}  // namespace llmnas::cli
