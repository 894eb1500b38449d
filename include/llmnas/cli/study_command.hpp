// SPDX-License-Identifier: MIT
/// \file
/// `llmnas study`: what studies hold. Their journals are read, running or finished; nothing of them is written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/search_report.hpp>
#include <llmnas/cli/study_compare.hpp>
#include <llmnas/cli/study_files.hpp>
#include <llmnas/cli/study_table3.hpp>
#include <llmnas/cli/study_tables.hpp>
#include <llmnas/cli/study_trial.hpp>
#include <llmnas/search/results.hpp>

namespace llmnas::cli {

/// Studies in a table, and below it why others cannot be read.
[[nodiscard]] inline std::string study_list_text(const std::vector<std::string>& dirs) {
    text_table table({{"study", align::left},
                      {"search", align::left},
                      {"seed"},
                      {"complete"},
                      {"pruned"},
                      {"failed"},
                      {"open"},
                      {"front"},
                      {"top-1 %"}});
    std::string broken;
    for (const std::string& dir : dirs) {
        const auto s = read_study_on_disk(dir);
        if (!s) {
            broken += "not listed: " + s.error().text() + '\n';
            continue;
        }
        const auto outcome = s->outcome();
        const state_counts counts(s->trials());
        const auto winner = winner_of(s->trials(), outcome);
        table.add({dir, s->search(), s->config.value("seed", json_value()).dump(),
                   fmt::format("{}", counts[trial_state::complete]), fmt::format("{}", counts[trial_state::pruned]),
                   fmt::format("{}", counts[trial_state::failed]),
                   fmt::format("{}", counts[trial_state::running] + counts[trial_state::waiting]),
                   fmt::format("{}", outcome.front.size()),
                   winner
                       ? fmt::format("{:.2f}", 100 * s->trials()[static_cast<std::size_t>(*winner)].training.accuracy)
                       : ""});
    }
    return (table.empty() ? std::string() : table.text()) + broken;
}

/// A study's configuration and what came of it, without its trials.
[[nodiscard]] inline result<json_value> study_json(const study_on_disk& s, const std::vector<double>& reference) {
    const auto curve = curve_of(s.journal, reference);
    if (!curve) return tl::unexpected<error>(curve.error());
    const curve_point last = curve->empty() ? curve_point{} : curve->back();
    const auto outcome = s.outcome();
    json_value j = results_json<study_on_disk::state, table1_se>(s.journal, outcome, {});
    j.erase("trials");
    j["study"] = s.dir;
    j["search"] = s.search();
    j["states"] = json_value::object();
    const state_counts counts(s.trials());
    for (const trial_state state :
         {trial_state::complete, trial_state::pruned, trial_state::failed, trial_state::running, trial_state::waiting})
        j["states"][std::string(name_of(state))] = counts[state];
    const auto winner = winner_of(s.trials(), outcome);
    j["winner"] = winner ? json_value(*winner) : json_value(nullptr);
    j["hypervolume"] = {
        {"value", last.hypervolume}, {"share_of_box", last.hypervolume / box_of(reference)}, {"reference", reference}};
    j["epochs"] = last.epochs;
    j["training_seconds"] = training_seconds(s.journal);
    return j;
}

class study_command {
public:
    void add_to(CLI::App& app) {
        group_ = app.add_subcommand("study", "Studies on disk: list, show, front, export, compare, table3");
        group_->require_subcommand(1);
        list_ = group_->add_subcommand("list", "Studies below a directory");
        list_->add_option("directory", list_dir_, "Where to look")->capture_default_str();
        show_ = with_study("show", "Configuration, trials, rejections, best network, hypervolume and time of a study");
        show_->add_flag("--json", json_, "JSON instead of text");
        add_reference(*show_);
        front_ = with_study("front", "Networks of a study's Pareto front, most accurate first");
        front_->add_flag("--json", json_, "JSON with the networks instead of text");
        export_ = with_study("export", "A study to stdout: csv, json (as results.csv, results.json) or a C++ header");
        export_->add_option("--format", format_, "csv, json or header")
            ->check(CLI::IsMember({"csv", "json", "header"}))
            ->capture_default_str();
        export_->add_option("--trial", trial_, "Trial of the header; else the most accurate one on the front");
        compare_ =
            with_studies("compare", "Searches at equal budget: hypervolume over trials and epochs, means of studies");
        compare_->add_flag("--csv", csv_, "CSV with up to 1000 budgets instead of tables");
        compare_->add_option("--confidence", compare_options_.confidence, "Of the intervals")
            ->check(CLI::Range(0.5, 0.9999))
            ->capture_default_str();
        compare_->add_option("--budgets", compare_options_.budgets, "Columns of a table")
            ->check(CLI::Range(1, 20))
            ->capture_default_str();
        add_reference(*compare_);
        table3_ =
            with_studies("table3", "The paper's Table III: trained (TC) and Pareto candidates (PC), [min, max] mean");
    }

    [[nodiscard]] bool chosen() const { return group_->parsed(); }

    [[nodiscard]] result<exit_code> run() {
        if (auto sound = check_reference(); !sound) return tl::unexpected<error>(sound.error());
        const auto text = list_->parsed()      ? list()
                          : compare_->parsed() ? compare()
                          : table3_->parsed()  ? table3()
                                               : of_one_study();
        if (!text) return tl::unexpected<error>(text.error());
        fmt::print("{}", *text);
        return success;
    }

private:
    CLI::App* with_study(const char* name, const char* what) {
        auto* const command = group_->add_subcommand(name, what);
        command->add_option("study", dir_, "Directory of the study")->required();
        return command;
    }
    CLI::App* with_studies(const char* name, const char* what) {
        auto* const command = group_->add_subcommand(name, what);
        command->add_option("studies", dirs_, "Directories of studies, or such with studies below them")->required();
        return command;
    }
    void add_reference(CLI::App& command) {
        command
            .add_option("--reference", reference_,
                        "Where the hypervolume ends: accuracy,MACs,parameters; else 0, the limit of MACs, the limit of "
                        "flash in bytes")
            ->delimiter(',')
            ->expected(3);
    }

    [[nodiscard]] result<void> check_reference() const {
        if (reference_.empty()) return {};
        if (reference_[0] >= 0 && reference_[0] < 1 && reference_[1] > 0 && reference_[2] > 0) return {};
        return fail(errc::bad_input, "not a reference point", "--reference",
                    fmt::format("{},{},{}", reference_[0], reference_[1], reference_[2]),
                    "an accuracy from 0 to below 1, MACs and parameters above 0");
    }
    [[nodiscard]] std::vector<double> reference_of(const study_on_disk& s) const {
        return reference_.empty() ? default_reference(s.task.limits) : reference_;
    }

    [[nodiscard]] result<std::string> list() const {
        const auto found = find_studies(list_dir_);
        if (!found) return tl::unexpected<error>(found.error());
        return study_list_text(*found);
    }

    [[nodiscard]] result<std::string> compare() {
        compare_options_.reference = reference_;
        const auto c = read_comparison(dirs_, compare_options_);
        if (!c) return tl::unexpected<error>(c.error());
        for (const std::string& notice : c->notices) fmt::print(stderr, "{}\n", notice);
        return csv_ ? comparison_csv(*c, compare_options_) : comparison_text(*c, compare_options_);
    }

    [[nodiscard]] result<std::string> table3() const {
        std::vector<study_on_disk> studies;
        for (const std::string& given : dirs_) {
            const auto below = find_studies(given);
            if (!below) return tl::unexpected<error>(below.error());
            for (const std::string& dir : *below) {
                auto s = read_study_on_disk(dir);
                if (!s) return tl::unexpected<error>(std::move(s).error());
                studies.push_back(*std::move(s));
            }
        }
        return table3_text(studies);
    }

    [[nodiscard]] result<std::string> of_one_study() const {
        const auto s = read_study_on_disk(dir_);
        if (!s) return tl::unexpected<error>(s.error());
        const auto outcome = s->outcome();
        if (show_->parsed()) {
            if (!json_) return study_text(*s, reference_of(*s));
            const auto j = study_json(*s, reference_of(*s));
            if (!j) return tl::unexpected<error>(j.error());
            return j->dump(2) + '\n';
        }
        if (front_->parsed()) return json_ ? front_json(*s, outcome) : trial_table(*s, outcome.front);
        if (format_ == "csv") return results_csv<table1_se>(outcome, s->trials());
        if (format_ == "json") return results_json(s->journal, outcome, s->trials()).dump(2) + '\n';
        return header(*s);
    }

    [[nodiscard]] static std::string front_json(const study_on_disk& s, const search_outcome& outcome) {
        std::vector<trial<table1_se>> members;
        for (const std::int32_t n : outcome.front) members.push_back(s.trials()[static_cast<std::size_t>(n)]);
        return results_json<study_on_disk::state, table1_se>(s.journal, outcome, members).at("trials").dump(2) + '\n';
    }

    [[nodiscard]] result<std::string> header(const study_on_disk& s) const {
        const auto chosen = detail::choose_trial(s.journal.trials(), trial_, dir_);
        if (!chosen) return tl::unexpected<error>(chosen.error());
        const auto& t = s.trials()[static_cast<std::size_t>(chosen->first)];
        if (!t.candidate.feasible)
            return fail(errc::bad_input, "the trial is over a limit, and its header's static_asserts would fail",
                        fmt::format("{}, trial {}", dir_, t.number), "", "a trial within the limits");
        return trial_header(t, s.task);
    }

    CLI::App* group_ = nullptr;
    CLI::App* list_ = nullptr;
    CLI::App* show_ = nullptr;
    CLI::App* front_ = nullptr;
    CLI::App* export_ = nullptr;
    CLI::App* compare_ = nullptr;
    CLI::App* table3_ = nullptr;
    std::string list_dir_ = ".";
    std::string dir_;
    std::vector<std::string> dirs_;
    bool json_ = false;
    bool csv_ = false;
    std::string format_ = "csv";
    std::optional<std::int32_t> trial_;
    std::vector<double> reference_;
    compare_options compare_options_;
};

}  // namespace llmnas::cli
