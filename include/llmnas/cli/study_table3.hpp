// SPDX-License-Identifier: MIT
/// \file
/// `llmnas study table3`: the paper's Table III from studies.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/study_files.hpp>
#include <llmnas/cli/study_tables.hpp>
#include <llmnas/cli/text_table.hpp>
#include <llmnas/search/search_budget.hpp>

namespace llmnas::cli {

namespace detail {

/// `[min, max] mean`; empty of no trials.
[[nodiscard]] inline std::string range_text(const study_on_disk& s, const std::vector<std::int32_t>& numbers,
                                            const std::function<double(const trial<table1_se>&)>& value, int digits) {
    if (numbers.empty()) return {};
    std::vector<double> values;
    for (const std::int32_t n : numbers) values.push_back(value(s.trials()[static_cast<std::size_t>(n)]));
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    return fmt::format("[{:.{}f}, {:.{}f}] {:.{}f}", *low, digits, *high, digits, mean, digits);
}

}  // namespace detail

/// Two rows a study: its trained candidates (TC) and its Pareto candidates (PC), each with `[min, max] mean`.
[[nodiscard]] inline std::string table3_text(const std::vector<study_on_disk>& studies) {
    text_table table({{"search", align::left},
                      {"seed"},
                      {"proposals"},
                      {"candidates", align::left},
                      {"top-1 %"},
                      {"MACs, M"},
                      {"params, M"},
                      {"flash, KiB"},
                      {"SRAM, KiB"},
                      {"training, h"},
                      {"model, h"}});
    for (const study_on_disk& s : studies) {
        std::vector<std::int32_t> trained;
        for (const auto& t : s.trials())
            if (t.state == trial_state::complete) trained.push_back(t.number);
        const auto front = s.outcome().front;
        const auto row = [&](const char* name, const std::vector<std::int32_t>& numbers) {
            const auto range = [&](const std::function<double(const trial<table1_se>&)>& value, int digits) {
                return detail::range_text(s, numbers, value, digits);
            };
            return std::vector<std::string>{
                fmt::format("{} {}", name, numbers.size()),
                range([](const auto& t) { return 100 * t.training.accuracy; }, 2),
                range([](const auto& t) { return static_cast<double>(t.candidate.cost.mac_count.value) / 1e6; }, 1),
                range([](const auto& t) { return static_cast<double>(t.candidate.cost.parameters.value) / 1e6; }, 3),
                range([](const auto& t) { return static_cast<double>(t.candidate.cost.flash.value) / 1024; }, 0),
                range([](const auto& t) { return static_cast<double>(t.candidate.cost.sram.size.value) / 1024; }, 0)};
        };
        const proposal_counters& calls = s.journal.counters();
        std::vector<std::string> first{
            s.search(), s.config.value("seed", json_value()).dump(),
            fmt::format("{}", spending_of<table1_se>(s.trials(), s.journal.rejections()).proposals)};
        for (std::string& cell : row("TC", trained)) first.push_back(std::move(cell));
        first.push_back(fmt::format("{:.3g}", training_seconds(s.journal) / 3600));
        first.push_back(calls.calls > 0 ? fmt::format("{:.3g}", calls.seconds / 3600) : "");
        table.add(std::move(first));
        std::vector<std::string> second(3);
        for (std::string& cell : row("PC", front)) second.push_back(std::move(cell));
        table.add(std::move(second));
    }
    return table.text();
}

}  // namespace llmnas::cli
