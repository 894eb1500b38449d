// SPDX-License-Identifier: MIT
/// \file
/// `llmnas explain`: an explanation of a network with its claims checked, beside what can be computed.
#pragma once

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cli/exit_code.hpp>
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
        command_->add_option("network", network_, "JSON file in the published format, or a name of the zoo")
            ->required();
        auto* text = command_->add_option("--text", text_, "File with the explanation to check");
        command_->add_option("--llm-url", llm_url_, "Server with the OpenAI interface that is asked for one")
            ->excludes(text);
        command_->add_option("--llm-model", llm_model_, "Model name; else the server's first");
        command_->add_option("--llm-key-file", llm_key_file_, "File with the API key; else $LLMNAS_LLM_API_KEY");
        command_->add_option("--accuracy", accuracy_, "Measured accuracy, a fraction of 1, told to the model")
            ->check(CLI::Range(0.0, 1.0));
        command_->add_option("--changes", changes_, "Changes of one field to show, of Markdown")
            ->capture_default_str()
            ->check(CLI::Range(0, 100'000));
        command_->add_flag("--json", json_, "JSON instead of Markdown");
        options_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
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
        explanation_report report;
        report.network = net->name;
        if (command_->count("--accuracy") > 0) report.accuracy = accuracy_;
        report.evidence = evidence_of(net->graph.view(), task->memory, net->for_each_change);
        auto text = explanation(report);
        if (!text) return tl::unexpected<error>(text.error());
        if (*text) report.statements = check_explanation(**text, report.evidence.facts);
        if (json_)
            fmt::print("{}\n", to_json(report).dump(2));
        else
            fmt::print("{}", to_markdown(report, changes_));
        return success;
    }

private:
    /// The text to check and, in the report, who wrote it; nothing where none was asked for.
    [[nodiscard]] result<std::optional<std::string>> explanation(explanation_report& report) const {
        if (!text_.empty()) {
            auto text = read_text_file(text_, std::uintmax_t{1} << 20U);
            if (!text) return tl::unexpected<error>(text.error());
            report.author = text_;
            return std::optional<std::string>(std::move(*text));
        }
        if (llm_url_.empty()) return std::optional<std::string>();
        auto key = llm_key_file_.empty() ? api_key::from_environment() : api_key::from_file(llm_key_file_);
        if (!key) return tl::unexpected<error>(key.error());
        openai_options options;
        options.url = llm_url_;
        options.model = llm_model_;
        options.key = *key;
        auto server = openai_backend::open(std::move(options));
        if (!server) return tl::unexpected<error>(server.error());
        auto answer = ask_explanation(*server, report.evidence, report.accuracy);
        if (!answer) return tl::unexpected<error>(answer.error());
        report.author = server->name();
        return std::optional<std::string>(std::move(answer->text));
    }

    CLI::App* command_ = nullptr;
    std::string network_, text_, llm_url_, llm_model_, llm_key_file_;
    double accuracy_ = 0;
    std::size_t changes_ = 12;
    bool json_ = false;
    task_options options_;
};

}  // namespace llmnas::cli
