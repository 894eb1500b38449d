// SPDX-License-Identifier: MIT
/// \file
/// `llmnas space`: axes, cardinality and bounds of the paper's space, and random points of it with their costs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/space_bounds.hpp>
#include <llmnas/cli/task_options.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/space_json.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/space/cardinality.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::cli {

/// Decimal digits of a 128-bit number, in groups of three.
[[nodiscard]] inline std::string grouped(uint128 n) {
    std::string digits;
    int count = 0;
    do {
        if (count > 0 && count % 3 == 0) digits += ',';
        digits += static_cast<char>('0' + static_cast<int>(n % 10));
        n /= 10;
        ++count;
    } while (n > 0);
    std::reverse(digits.begin(), digits.end());
    return digits;
}

class space_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand("space", "Axes, cardinality and bounds of a search space; random points of it");
        command_->add_option("name", name_, "table1 (as printed in the paper) or table1_se (with se_ratio)")
            ->check(CLI::IsMember({"table1", "table1_se"}))
            ->capture_default_str();
        command_
            ->add_option("--sample", samples_, "Prints so many uniform random networks as JSON lines with their costs")
            ->check(CLI::Range(0, 1'000'000));
        command_->add_option("--seed", seed_, "Seed of the sample")->capture_default_str();
        command_->add_flag("--feasible", feasible_, "Samples only networks within the limits");
        command_
            ->add_option("--share-samples", share_samples_,
                         "Random networks behind the estimated share within the limits; 0: no estimate")
            ->check(CLI::Range(0, 100'000'000))
            ->capture_default_str();
        options_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
        auto task = options_.read();
        if (!task) return tl::unexpected<error>(task.error());
        return name_ == "table1" ? run_for<table1>(*task) : run_for<table1_se>(*task);
    }

private:
    template <SearchSpace Space>
    [[nodiscard]] result<exit_code> run_for(const task& t) const {
        if (samples_ > 0) return print_samples<Space>(t);
        fmt::print("{}: {} independent stages\n\n", Space::name, Space::stages);
        for (std::size_t k = 0; k < axis_count<Space>; ++k)
            fmt::print("  {:<18} {}\n", axis_names<Space>[k], allowed_values<Space>(k).substr(7));
        fmt::print("\nconfigurations a stage   {}, without fields that have no effect {}\n",
                   llmnas::cli::grouped(stage_cardinality<Space>),
                   llmnas::cli::grouped(canonical_stage_cardinality<Space>));
        fmt::print("networks                 {}\n", grouped(cardinality<Space>));
        fmt::print("  of different form      {}\n", grouped(canonical_cardinality<Space>));
        print_bounds<Space>(t, static_cast<std::uint64_t>(share_samples_), seed_);
        return success;
    }

    template <SearchSpace Space>
    [[nodiscard]] result<exit_code> print_samples(const task& t) const {
        const gate<Space, any_memory_model> judge(t.limits, t.memory);
        const search_context<Space> context{
            t.limits, {}, {}, {}, {}, [&](const network_of<Space>& net) { return judge.judge(net); }};
        random_proposer<Space> proposer;
        splitmix64 rng{mix_seed(seed_, 0)};
        for (std::int32_t i = 0; i < samples_; ++i) {
            auto net = decode(sample<Space>(rng), t.limits.input, t.limits.classes);
            if (feasible_) {
                auto found = proposer.ask(context, rng);
                if (!found) return tl::unexpected<error>(found.error().why);
                net = found->network;
            }
            auto j = to_json<Space>(net);
            if (auto measured = judge.measure_costs(net)) {
                const costs& c = measured->cost;
                j["macs"] = c.mac_count.value;
                j["params"] = c.parameters.value;
                j["flash_bytes"] = c.flash.value;
                j["sram_bytes"] = c.sram.size.value;
                j["within_limits"] = measured->feasible;
            } else {
                j["illegal"] = measured.error().why.text();
            }
            fmt::print("{}\n", j.dump());
        }
        return success;
    }

    CLI::App* command_ = nullptr;
    std::string name_ = "table1_se";
    std::int32_t samples_ = 0;
    std::int32_t share_samples_ = 100'000;
    std::uint64_t seed_ = 0;
    bool feasible_ = false;
    task_options options_;
};

}  // namespace llmnas::cli
