// SPDX-License-Identifier: MIT
/// \file
/// `llmnas check`: what a network costs, operator by operator, and whether it fits.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/json/network_file.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/list.hpp>

namespace llmnas::cli {

/// A network to look at: its operators, and where it came from.
struct checked_network {
    dynamic_graph graph;
    std::string name;
    std::string remark;  ///< whether it lies in the default search space, of networks from files
};

class check_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand("check", "Costs of a network from a JSON file or the zoo, and whether it fits");
        command_->add_option("network", network_, "JSON file in the published format, or a name of the zoo")
            ->required();
        command_->add_flag("--brief", brief_, "Totals only, without the table of operators");
        options_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
        auto task = options_.read();
        if (!task) return tl::unexpected<error>(task.error());
        auto net = find(*task);
        if (!net) return tl::unexpected<error>(net.error());
        if (net->graph.error()) {
            error e = describe(net->graph.error());
            e.where = net->name + ", " + e.where;
            return tl::unexpected<error>(std::move(e));
        }
        const graph_view g = net->graph.view();
        const costs c = evaluate(g, task->memory);
        fmt::print("{} on {}x{}x{}, {} classes{}\n\n", net->name, g.input.channels, g.input.height, g.input.width,
                   g.output().channels, net->remark);
        if (!brief_) print_operators(g, c);
        fmt::print(
            "MACs        {}\nparameters  {}\nflash       {}\npeak SRAM   {} by the model {}, at {} (operator {})\n\n",
            grouped(c.mac_count.value), grouped(c.parameters.value), readable(c.flash), readable(c.sram.size),
            task->memory.name, place_of(origin_of(g, c.sram)), c.sram.at + 1);
        return verdict(c, *task, command_->count("--macs") > 0);
    }

private:
    [[nodiscard]] result<checked_network> find(const task& t) const {
        std::optional<checked_network> found;
        std::string names;
        const bool own_input = command_->count("--input") > 0;
        boost::hana::unpack(zoo::entries, [&](auto... entries) {
            const auto look = [&](auto entry) {
                using E = typename decltype(entry)::type;
                names += (names.empty() ? "" : ", ") + std::string(E::name);
                if (E::name != network_) return;
                auto design = E::design;
                if (own_input) design.input = t.limits.input;
                if (command_->count("--classes") > 0) design.classes = t.limits.classes;
                found = checked_network{dynamic_graph(design), network_, ""};
            };
            (look(entries), ...);
        });
        if (found) return std::move(*found);
        if (!std::filesystem::exists(network_))
            return fail(errc::bad_input, "neither a file nor a network of the zoo", "network", network_,
                        "a JSON file or one of " + names);
        auto net = network_from_file<table1_se>(network_, t.limits.input, t.limits.classes);
        if (!net) return tl::unexpected<error>(net.error());
        const auto violation = encode<table1_se>(*net).violation;
        return checked_network{
            dynamic_graph(*net), network_,
            violation ? "; not in " + std::string(table1_se::name) + ": " + describe<table1_se>(violation, *net).text()
                      : "; in " + std::string(table1_se::name)};
    }

    static void print_operators(const graph_view& g, const costs& c) {
        fmt::print("{:>3}  {:<28} {:<8} {:>14} {:>14} {:>13} {:>10} {:>10} {:>10}\n", "", "operator", "kernel", "in",
                   "out", "MACs", "params", "in+out B", "live B");
        for (std::size_t i = 0; i < g.ops.size(); ++i) {
            const op& o = g.ops[i];
            const auto extent = [](const shape& s) { return fmt::format("{}x{}x{}", s.channels, s.height, s.width); };
            const bool windowed = o.kind == op_kind::conv || o.kind == op_kind::avg_pool || o.kind == op_kind::max_pool;
            std::uint64_t inputs = 0;
            for (const std::int32_t id : g.inputs_of(o)) inputs += int8_size(g.shape_of(id)).value;
            fmt::print("{:>3}{} {:<28} {:<8} {:>14} {:>14} {:>13} {:>10} {:>10} {:>10}\n", i + 1,
                       static_cast<std::int32_t>(i) == c.sram.at ? '>' : ' ', place_of(o.from),
                       windowed ? fmt::format("{}x{}{}", o.kernel_h, o.kernel_w,
                                              o.stride_h > 1 || o.stride_w > 1 ? fmt::format("/{}", o.stride_h) : "")
                                : "",
                       extent(o.in), extent(o.out), grouped(mac_count::of(o).value),
                       grouped(parameter_count::of(o).value), grouped(inputs + int8_size(o.out).value),
                       grouped(layerwise::live_at(g, i).value));
        }
        fmt::print("\n");
    }

    [[nodiscard]] static exit_code verdict(const costs& c, const task& t, bool judge_macs) {
        bool fits = true;
        const auto line = [&](std::string_view what, bool ok, const std::string& used, const std::string& allowed) {
            fits = fits && ok;
            fmt::print("{:<10} {:<4} {} of {}\n", what, ok ? "ok" : "OVER", used, allowed);
        };
        fmt::print("target     {} ({}; {})\n", t.target.name, t.target.core, t.target.datasheet);
        line("SRAM", c.sram.size <= t.limits.limits.sram, readable(c.sram.size), readable(t.limits.limits.sram));
        line("flash", c.flash <= t.limits.limits.flash, readable(c.flash), readable(t.limits.limits.flash));
        if (judge_macs)
            line("MACs", c.mac_count >= t.limits.min_macs && c.mac_count <= t.limits.max_macs,
                 grouped(c.mac_count.value),
                 grouped(t.limits.min_macs.value) + " to " + grouped(t.limits.max_macs.value));
        fmt::print("{}\n", fits ? "fits" : "does not fit");
        return fits ? success : does_not_fit;
    }

    CLI::App* command_ = nullptr;
    std::string network_;
    bool brief_ = false;
    task_options options_;
};

}  // namespace llmnas::cli
