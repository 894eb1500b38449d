// SPDX-License-Identifier: MIT
/// \file
/// `llmnas llm check`: whether the server of a language model is fit for a search.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/server_flags.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/text_table.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/llm/server_check.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::cli {

/// A report as lines of text, ending with the verdict.
[[nodiscard]] inline std::string server_text(const server_report& r, const problem& limits) {
    std::string text;
    const auto line = [&](std::string_view name, const std::string& value) {
        text += fmt::format("{:<13}{}\n", name, value);
    };
    line("server", r.url);
    line("model", !r.listed        ? r.model + " (the server lists none)"
                  : r.model_listed ? fmt::format("{} (of {} listed)", r.model, *r.listed)
                                   : fmt::format("{} (not among the {} listed)", r.model, *r.listed));
    line("context", r.context ? fmt::format("{} tokens", grouped(static_cast<std::uint64_t>(*r.context)))
                              : "the server does not say");
    line("JSON Schema", r.form == schema_form::none ? "honoured in no form" : fmt::format("as {}", name_of(r.form)));
    line("refuses", r.refused.empty() ? "no parameter" : fmt::format("{}", fmt::join(r.refused, ", ")));
    line("streaming", r.speed.streamed()
                          ? fmt::format("{} pieces, the first after {:.2f} s",
                                        grouped(static_cast<std::uint64_t>(r.speed.pieces)), r.speed.first_seconds)
                          : "answers come whole");
    line("speed", fmt::format("{:.1f} tokens/s over {} tokens", r.speed.tokens_per_second(),
                              grouped(static_cast<std::uint64_t>(r.speed.tokens))));
    line("usage", r.reports_usage ? "reported" : "not reported: tokens are estimated");
    text += '\n';
    text_table sampling({{"sampling", align::left}, {"", align::left}, {"why", align::left}});
    for (const auto& f : r.sampling) sampling.add({f.name, std::string(name_of(f.use)), f.reason});
    text += sampling.text() + '\n';
    const architecture_finding& a = r.architecture;
    const std::string answers = fmt::format("{} answer{}", a.requests, a.requests == 1 ? "" : "s");
    line("network",
         a.network ? fmt::format("in the space {}, after {}", table1_se::name, answers) : "none in " + answers);
    if (a.cost) {
        line("  MACs", fmt::format("{} ({} to {})", grouped(a.cost->mac_count.value), grouped(limits.min_macs.value),
                                   grouped(limits.max_macs.value)));
        line("  peak SRAM", fmt::format("{} (at most {})", readable(a.cost->sram.size), readable(limits.limits.sram)));
        line("  flash", fmt::format("{} (at most {})", readable(a.cost->flash), readable(limits.limits.flash)));
    }
    if (a.network)
        line("  search", a.refused
                             ? fmt::format("would refuse it, {}: {}", name_of(a.refused->kind), a.refused->why.text())
                             : "would train it");
    return text + '\n' + r.verdict() + '\n';
}

class llm_command {
public:
    void add_to(CLI::App& app) {
        auto* const group = app.add_subcommand("llm", "Servers of language models");
        group->require_subcommand(1);
        command_ =
            group->add_subcommand("check", "Asks a server what a search would ask, and says whether it is usable");
        server_.add_to(*command_);
        command_->add_flag("--json", json_, "JSON instead of text");
        options_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
        auto task = options_.read();
        if (!task) return tl::unexpected<error>(task.error());
        auto url = server_.find();
        if (!url) return tl::unexpected<error>(url.error());
        auto options = server_.options(*std::move(url));
        if (!options) return tl::unexpected<error>(options.error());
        // A model that loads is waited for; where nothing listens, who gives a wrong URL wants to know at once.
        options->retry.refused_wait = std::chrono::milliseconds{0};
        catch_interrupts();
        const gate<table1_se, any_memory_model> judge(task->limits, task->memory);
        const auto report = check_server(*std::move(options), judge);
        if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\r\033[K");  // the live count of tokens
        if (!report) return tl::unexpected<error>(report.error());
        fmt::print("{}", json_ ? to_json(*report).dump(2) + "\n" : server_text(*report, task->limits));
        return report->usable() ? success : failure;
    }

private:
    CLI::App* command_ = nullptr;
    server_flags server_;
    bool json_ = false;
    task_options options_;
};

}  // namespace llmnas::cli
