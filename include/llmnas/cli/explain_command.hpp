// SPDX-License-Identifier: MIT
/// \file
/// `llmnas explain`: an explanation of a network, or of a study's trial, with its claims checked, beside what can be
/// computed and what was measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/server_flags.hpp>
#include <llmnas/cli/study_trial.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/llm/explanation.hpp>
#include <llmnas/llm/openai_backend.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

class explain_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand(
            "explain", "Checks the claims of an explanation of a network; without one, what can be computed");
        auto* network =
            command_->add_option("network", network_, "JSON file in the published format, or a name of the zoo");
        auto* study = command_->add_option("--study", study_,
                                           "Directory of a study: explains one of its trials, with "
                                           "what was measured of other trials beside it");
        study->excludes(network);
        command_->add_option("--trial", trial_, "Number of the trial; else the most accurate one on the front")
            ->needs(study);
        auto* text = command_->add_option("--text", text_, "File with the explanation to check");
        asked_ = server_.add_to(*command_, "Server with the OpenAI interface that is asked for one");
        asked_->excludes(text);
        command_->add_option("--accuracy", accuracy_, "Measured accuracy, a fraction of 1, told to the model")
            ->check(CLI::Range(0.0, 1.0))
            ->excludes(study);
        command_->add_option("--changes", changes_, "Changes of one field to show, of Markdown")
            ->capture_default_str()
            ->check(CLI::Range(0, 100'000));
        command_->add_flag("--json", json_, "JSON instead of Markdown");
        options_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
        if (network_.empty() && study_.empty())
            return fail(errc::bad_input, "nothing to explain", "explain", "", "a network or --study DIR");
        auto explained = study_.empty() ? given_network() : studied_trial();
        if (!explained) return tl::unexpected<error>(std::move(explained).error());
        explanation_report& report = explained->report;
        auto text = explanation(*explained);
        if (!text) return tl::unexpected<error>(text.error());
        if (*text) report.statements = check_explanation(**text, report.evidence.facts);
        if (json_)
            fmt::print("{}\n", to_json(report).dump(2));
        else
            fmt::print("{}", to_markdown(report, changes_));
        return success;
    }

private:
    [[nodiscard]] result<study_trial> given_network() const {
        auto task = options_.read();
        if (!task) return tl::unexpected<error>(task.error());
        deployment replaced;  // a design of the zoo has an input and classes of its own
        if (command_->count("--input") > 0) replaced.input = task->limits.input;
        if (command_->count("--classes") > 0) replaced.classes = task->limits.classes;
        auto net = network_named(network_, replaced, task->limits.input, task->limits.classes);
        if (!net) return tl::unexpected<error>(net.error());
        if (net->graph.error()) {
            error e = describe(net->graph.error());
            e.where = net->name + ", " + e.where;
            return tl::unexpected<error>(std::move(e));
        }
        study_trial explained;
        explanation_report& report = explained.report;
        report.network = net->name;
        if (command_->count("--accuracy") > 0) report.accuracy = accuracy_;
        report.evidence = evidence_of(net->graph.view(), task->memory, net->for_each_change);
        return explained;
    }

    /// The problem is the study's own.
    [[nodiscard]] result<study_trial> studied_trial() const {
        for (const char* const flag : task_options::flags)
            if (command_->count(flag) > 0)
                return fail(errc::bad_input, "a study has a problem of its own", flag, "--study " + study_,
                            "one of the two");
        return read_study_trial(study_, trial_);
    }

    /// The text to check and, in the report, who wrote it and when; nothing where there is none.
    [[nodiscard]] result<std::optional<std::string>> explanation(study_trial& explained) const {
        explanation_report& report = explained.report;
        if (!text_.empty()) {
            auto text = read_text_file(text_, std::uintmax_t{1} << 20U);
            if (!text) return tl::unexpected<error>(text.error());
            report.author = text_;
            return std::optional<std::string>(std::move(*text));
        }
        if (asked_->empty()) {
            if (explained.explanation.empty()) return std::optional<std::string>();
            report.author = explained.proposer;
            report.written = explanation_time::at_proposal;
            return std::optional<std::string>(std::move(explained.explanation));
        }
        auto options = server_.options(server_.url());
        if (!options) return tl::unexpected<error>(options.error());
        auto server = openai_backend::open(*std::move(options));
        if (!server) return tl::unexpected<error>(server.error());
        auto answer = ask_explanation(*server, report.evidence, report.accuracy);
        if (!answer) return tl::unexpected<error>(answer.error());
        report.author = server->name();
        if (report.accuracy) report.written = explanation_time::after_measurement;
        return std::optional<std::string>(std::move(answer->text));
    }

    CLI::App* command_ = nullptr;
    CLI::Option* asked_ = nullptr;  ///< --llm-url
    std::string network_, study_, text_;
    server_flags server_;
    std::optional<std::int32_t> trial_;
    double accuracy_ = 0;
    std::size_t changes_ = 12;
    bool json_ = false;
    task_options options_;
};

}  // namespace llmnas::cli
