// SPDX-License-Identifier: MIT
/// \file
/// `llmnas study compare`: searches at equal budget, means over seeds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/study_files.hpp>
#include <llmnas/cli/study_tables.hpp>
#include <llmnas/cli/text_table.hpp>
#include <llmnas/search/config_difference.hpp>
#include <llmnas/search/study_comparison.hpp>

namespace llmnas::cli {

struct compare_options {
    std::vector<double> reference = {};  ///< accuracy, MACs, parameters; empty: default_reference()
    double confidence = 0.95;
    std::int64_t budgets = 4;  ///< columns of a table
};

/// Studies that can be compared, with their curves.
struct study_comparison {
    std::vector<compared_study> studies;
    std::vector<double> reference;
    std::vector<std::string> notices;
};

namespace detail {

/// What the numbers of two studies may differ in: their chance, and the rungs below the full fidelity.
[[nodiscard]] inline json_value comparable_part(json_value config) {
    for (const char* const member : {"seed", "halving"}) config.erase(member);
    return config;
}

/// A cell of CSV (RFC 4180).
[[nodiscard]] inline std::string csv_cell(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

[[nodiscard]] inline std::string interval_text(const mean_interval& m, double scale, int digits) {
    std::string text = fmt::format("{:.{}f}", m.mean * scale, digits);
    return m.half_width ? text + fmt::format(" +- {:.{}f}", *m.half_width * scale, digits) : text;
}

}  // namespace detail

/// Reads and groups studies. Errors: no study, one of another problem, fidelity or recipe than the first (with the
/// first difference), one given twice, one without an ended trial.
[[nodiscard]] inline result<study_comparison> read_comparison(const std::vector<std::string>& dirs,
                                                              const compare_options& options) {
    study_comparison c;
    c.reference = options.reference;
    std::set<std::filesystem::path> seen;
    std::set<std::pair<std::string, std::string>> seeds;
    json_value first;
    for (const std::string& given : dirs) {
        const auto below = find_studies(given);
        if (!below) return tl::unexpected<error>(below.error());
        for (const std::string& dir : *below) {
            std::error_code ec;
            if (!seen.insert(std::filesystem::weakly_canonical(dir, ec)).second)
                return fail(errc::bad_input, "a study given twice", dir);
            auto s = read_study_on_disk(dir);
            if (!s) return tl::unexpected<error>(std::move(s).error());
            if (first.is_null()) first = s->config;
            if (auto d = llmnas::detail::first_difference(detail::comparable_part(s->config),
                                                          detail::comparable_part(first))) {
                d->what = "studies that cannot be compared";
                d->where = fmt::format("{}, {}", dir, d->where);
                return tl::unexpected<error>(std::move(*d));
            }
            if (c.reference.empty()) c.reference = default_reference(s->task.limits);
            auto curve = curve_of(s->journal, c.reference);
            if (!curve) return tl::unexpected<error>(std::move(curve).error());
            if (curve->empty()) return fail(errc::bad_input, "the study has no ended trial", dir);
            const std::string name = s->search();
            const std::string seed = s->config.value("seed", json_value()).dump();
            if (!seeds.emplace(name, seed).second)
                c.notices.push_back(fmt::format("{}: a second study of {} with seed {}; means take them as independent",
                                                dir, name, seed));
            c.studies.push_back({name, *std::move(curve)});
        }
    }
    return c;
}

/// Tables over trials and over epochs.
[[nodiscard]] inline std::string comparison_text(const study_comparison& c, const compare_options& options) {
    std::map<std::string, std::vector<const compared_study*>> groups;
    for (const compared_study& s : c.studies) groups[s.search].push_back(&s);
    const double percent = 100 / box_of(c.reference);
    std::string text = fmt::format(
        "Hypervolume of the front in % of the box up to {};\nmean over studies +- {:.4g} % confidence interval "
        "(Student's "
        "t)\n",
        reference_text(c.reference), 100 * options.confidence);
    for (const budget_unit unit : {budget_unit::trials, budget_unit::epochs}) {
        const std::int64_t common = common_budget(c.studies, unit);
        const auto budgets = budgets_up_to(common, options.budgets);
        std::vector<text_table::column> columns{{"search", align::left}, {"studies"}};
        for (const std::int64_t b : budgets) columns.push_back({fmt::format("{} {}", b, name_of(unit))});
        columns.push_back({"best top-1 %"});
        text_table table(std::move(columns));
        const auto entries = compare(c.studies, unit, budgets, options.confidence);
        for (std::size_t i = 0; i < entries.size(); i += budgets.size()) {
            std::vector<std::string> row{entries[i].search, fmt::format("{}", entries[i].hypervolume.count)};
            for (std::size_t k = 0; k < budgets.size(); ++k)
                row.push_back(detail::interval_text(entries[i + k].hypervolume, percent, 3));
            row.push_back(detail::interval_text(entries[i + budgets.size() - 1].accuracy, 100, 2));
            table.add(std::move(row));
        }
        text += fmt::format("\nby {}\n{}", name_of(unit), table.text());
        for (const auto& [name, members] : groups) {
            std::int64_t most = 0;
            for (const compared_study* s : members) {
                const curve_point& last = s->curve.back();
                most = std::max(most, unit == budget_unit::trials ? std::int64_t{last.trials} : last.epochs);
            }
            if (most > common)
                text += fmt::format("  {}: up to {} {}, compared up to the least of all studies, {}\n", name, most,
                                    name_of(unit), common);
        }
    }
    return text;
}

/// A line for each search, unit and budget, at most 1000 budgets a unit: fractions of the box and of 1. Without an
/// interval its two columns are empty.
[[nodiscard]] inline std::string comparison_csv(const study_comparison& c, const compare_options& options) {
    std::string csv =
        "search,unit,budget,studies,hypervolume,hypervolume_low,hypervolume_high,accuracy,accuracy_low,accuracy_high\n";
    const double box = box_of(c.reference);
    const auto cells = [](const mean_interval& m, double scale) {
        if (!m.half_width) return fmt::format("{},,", m.mean / scale);
        return fmt::format("{},{},{}", m.mean / scale, (m.mean - *m.half_width) / scale,
                           (m.mean + *m.half_width) / scale);
    };
    for (const budget_unit unit : {budget_unit::trials, budget_unit::epochs})
        for (const comparison_entry& e :
             compare(c.studies, unit, budgets_up_to(common_budget(c.studies, unit), 1000), options.confidence))
            csv += fmt::format("{},{},{},{},{},{}\n", detail::csv_cell(e.search), name_of(unit), e.budget,
                               e.hypervolume.count, cells(e.hypervolume, box), cells(e.accuracy, 1));
    return csv;
}

}  // namespace llmnas::cli
