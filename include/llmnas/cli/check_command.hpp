// SPDX-License-Identifier: MIT
/// \file
/// `llmnas check`: what a network costs, operator by operator, what its peak is made of, whether it fits, and what
/// would make it fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/latency_table.hpp>
#include <llmnas/cli/memory_picture.hpp>
#include <llmnas/cli/model_table.hpp>
#include <llmnas/cli/operator_table.hpp>
#include <llmnas/cli/peak_explanation.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/terminal.hpp>
#include <llmnas/cli/what_would_fit.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/mcu/targets.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

class check_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand(
            "check", "Costs of a network from a JSON file or the zoo, its peak explained, and whether it fits");
        command_->add_option("network", network_, "JSON file in the published format, or a name of the zoo")
            ->required();
        command_->add_flag("--brief", brief_, "Without the table of operators");
        options_.add_to(*command_);
        command_->get_option("--input")->description(
            "Input, CHANNELSxHEIGHTxWIDTH; networks of the zoo have their own");
        command_->get_option("--classes")->description("Number of classes; networks of the zoo have their own");
        command_->get_option("--macs")
            ->description("Range of MACs, MIN:MAX; judged only where it is given")
            ->default_str("");
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
        return report(*net, *task);
    }

private:
    [[nodiscard]] exit_code report(const checked_network& net, const task& t) const {
        const terminal_style style = style_of_stdout();
        const graph_view g = net.graph.view();
        const costs c = evaluate(g, t.memory);
        const coverage covered = t.memory.covers(g);
        const bytes limit = t.limits.limits.sram;
        std::vector<bytes> usage(covered.complete() ? g.ops.size() : 0);
        t.memory.usage(g, usage);

        fmt::print("{} on {}, {} classes{}\n\n", net.name, shape_text(g.input), g.output().channels, net.remark);
        if (!brief_) fmt::print("{}\n", operator_table(g, usage, t.memory.name, c.sram.at));
        fmt::print("MACs        {}\nparameters  {}\nflash       {}\n", grouped(c.mac_count.value),
                   grouped(c.parameters.value), readable(c.flash));
        if (covered.complete()) {
            fmt::print("peak SRAM   {} by the model {}, at {} (operator {})\n", readable(c.sram.size), t.memory.name,
                       place_of(origin_of(g, c.sram)), c.sram.at + 1);
            print_peak(g, t.memory, c.sram, usage, limit, style);
        } else {
            fmt::print("peak SRAM   {} by the model {}\n", uncovered_text(covered), t.memory.name);
        }

        const std::vector<model_verdict> verdicts = judge_by_all_models(g, limit);
        fmt::print("\nPeak SRAM by every memory model\n\n{}\n", model_table(g, verdicts, t.memory.name));
        if (t.target.name == mcu::stm32h743::name)
            fmt::print("Latency at 480 MHz, estimated\n\n{}\n", latency_table(g));
        const cost_limits limits = limits_of(t);
        print_verdict(c, covered, t, style);
        if (limits.allow(c)) return success;
        fmt::print("\nWhat would make it fit\n{}", what_would_fit(net, limits, t, verdicts));
        return does_not_fit;
    }

    static void print_peak(const graph_view& g, const any_memory_model& memory, const memory_peak& peak,
                           const std::vector<bytes>& usage, bytes limit, const terminal_style& style) {
        std::vector<picture_row> rows;
        for (std::size_t i = 0; i < g.ops.size(); ++i)
            rows.push_back({place_of(g.ops[i].from), usage[i], static_cast<std::int64_t>(i) == peak.at});
        fmt::print("\nSRAM while each operator runs, by {}\n\n{}", memory.name, memory_picture(rows, limit, style));
        const memory_layout layout = memory.layout(g);
        fmt::print("\nAt the peak: {} B in {} buffer{}\n\n{}", grouped(peak.size.value), layout.count,
                   layout.count == 1 ? "" : "s", buffer_table(g, layout, style));
        if (!layout.complete) fmt::print("There are more buffers than can be listed.\n");
        const auto plan = plan_by(memory.name, g);
        if (!plan) return;
        fmt::print("\nThe plan: {} parts, {} B moved between them, {} MACs done twice\n\n{}", plan->part_count,
                   grouped(plan->moved.value), grouped(plan->recomputed.value), plan_table(g, *plan));
    }

    /// MACs are judged only where the user asks for it: the default range is that of a search.
    [[nodiscard]] cost_limits limits_of(const task& t) const {
        cost_limits limits{.sram = t.limits.limits.sram, .flash = t.limits.limits.flash};
        if (command_->count("--macs") > 0) {
            limits.min_macs = t.limits.min_macs;
            limits.max_macs = t.limits.max_macs;
        }
        return limits;
    }

    void print_verdict(const costs& c, const coverage& covered, const task& t, const terminal_style& style) const {
        const cost_limits limits = limits_of(t);
        const auto line = [&](std::string_view what, std::string_view fault, const std::string& used,
                              const std::string& allowed) {
            const bool ok = fault.empty();
            fmt::print("{:<10} {} {} of {}\n", what,
                       painted(ok ? "ok  " : fault, ok ? paint::green : paint::red, style), used, allowed);
        };
        const auto over = [](bool is_over) { return is_over ? "OVER" : ""; };
        fmt::print("target     {} ({}; {})\n", t.target.name, t.target.core, t.target.datasheet);
        if (covered.complete())
            line("SRAM", over(c.sram.size > limits.sram), readable(c.sram.size), readable(limits.sram));
        else
            fmt::print("SRAM       ?    {}\n", uncovered_text(covered));
        line("flash", over(c.flash > limits.flash), readable(c.flash), readable(limits.flash));
        if (limits.limit_macs())
            line("MACs", c.mac_count < limits.min_macs ? "LOW " : over(c.mac_count > limits.max_macs),
                 grouped(c.mac_count.value), grouped(limits.min_macs.value) + " to " + grouped(limits.max_macs.value));
        fmt::print("{}\n", limits.allow(c)      ? "fits"
                           : covered.complete() ? "does not fit"
                                                : "cannot be judged by this model");
    }

    CLI::App* command_ = nullptr;
    std::string network_;
    bool brief_ = false;
    task_options options_;
};

}  // namespace llmnas::cli
