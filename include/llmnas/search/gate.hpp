// SPDX-License-Identifier: MIT
/// \file
/// The gate before training: MAC range, SRAM and flash limits, and whether the network is new.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>
#include <tl/expected.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/graph_hash.hpp>
#include <llmnas/search/problem.hpp>
#include <llmnas/search/rejection.hpp>
#include <llmnas/search/trial.hpp>

namespace llmnas {

/// A candidate, or why not.
template <SearchSpace Space>
using verdict = tl::expected<candidate<Space>, rejection>;

/// `stage 3 block 1 expand`, counted from 1 as in the paper.
[[nodiscard]] inline std::string place_of(const origin& o) {
    if (o.stage == origin::outside) return std::string(name_of(o.role));
    return fmt::format("stage {} block {} {}", o.stage + 1, o.block + 1, name_of(o.role));
}

/// What a legal value would be: `1 to 255`.
[[nodiscard]] inline std::string wanted_by(const graph_error& e) {
    switch (e.code) {
        case graph_errc::none:
            return {};
        case graph_errc::padding:
        case graph_errc::block_type:
            return fmt::format("0 to {}", e.limit);
        case graph_errc::kernel_exceeds_map:
        case graph_errc::capacity:
            return fmt::format("at most {}", e.limit);
        case graph_errc::se_ratio:
            return "a fraction of at least 0";
        case graph_errc::groups:
            return fmt::format("a divisor of the input's {} and of the output's channels", e.limit);
        case graph_errc::shapes_differ:
            return fmt::format("{} as the other map", e.limit);
        case graph_errc::not_published:
            return "an earlier block that publishes one";
        case graph_errc::field:
            return fmt::format("limit {}", e.limit);
        case graph_errc::input_size:
        case graph_errc::channels:
        case graph_errc::kernel_size:
        case graph_errc::stride:
        case graph_errc::layers:
        case graph_errc::expansion_factor:
        case graph_errc::compression:
            break;
    }
    return fmt::format("1 to {}", e.limit);
}

/// Message of an illegal network.
[[nodiscard]] inline error describe(const graph_error& e) {
    return {errc::bad_input, fmt::format("illegal {}", name_of(e.code)),
            e.code == graph_errc::input_size ? "network" : place_of(e.at), fmt::format("{}", e.got), wanted_by(e)};
}

/// Judges networks against one problem under one memory model and remembers those that became trials.
template <SearchSpace Space, MemoryModel Memory = layerwise>
class gate {
public:
    explicit gate(const problem& p, Memory memory = {}) : problem_(p), memory_(std::move(memory)) {}

    /// A further limit: says what a network breaks, or nothing. study::open() sets that of the objectives.
    using limit_check = std::function<std::optional<error>(const costs&, const graph_view&)>;
    void set_further_limit(limit_check check) { further_ = std::move(check); }

    [[nodiscard]] const problem& limits() const { return problem_; }
    [[nodiscard]] const Memory& memory() const { return memory_; }

    /// Costs and limits; a network over a limit is a rejection that names the current value and the wanted range.
    [[nodiscard]] verdict<Space> judge(const network_of<Space>& net) const {
        auto measured = measure(net, false);
        if (!measured) return measured;
        if (!measured->feasible) return tl::unexpected<rejection>(over_limit(measured->cost, net));
        if (const auto earlier = find(net, measured->hash))
            return tl::unexpected<rejection>(
                rejection{rejection_kind::duplicate,
                          {errc::duplicate, "the same network as an earlier trial", "network",
                           fmt::format("trial {}", *earlier), "a network not tried yet"}});
        return measured;
    }

    /// Costs of any legal network, whatever the limits; `feasible` says whether it keeps them.
    [[nodiscard]] verdict<Space> measure_costs(const network_of<Space>& net) const { return measure(net, true); }

    /// Remembers a network as the trial with this number.
    void remember(const candidate<Space>& c, std::int32_t trial) { seen_.emplace(c.hash, entry{c.network, trial}); }

    /// Number of the trial with the same operators.
    [[nodiscard]] std::optional<std::int32_t> find(const network_of<Space>& net, std::uint64_t hash) const {
        const auto [begin, end] = seen_.equal_range(hash);
        for (auto it = begin; it != end; ++it)
            if (equivalent(dynamic_graph(it->second.network).view(), dynamic_graph(net).view()))
                return it->second.trial;
        return std::nullopt;
    }

private:
    struct entry {
        network_of<Space> network;
        std::int32_t trial = 0;
    };

    /// The hash takes a third of the time, and most networks that a proposer measures keep no limits.
    [[nodiscard]] verdict<Space> measure(const network_of<Space>& net, bool hash_if_infeasible) const {
        const dynamic_graph graph(net);
        if (graph.error())
            return tl::unexpected<rejection>(rejection{rejection_kind::illegal, describe(graph.error())});
        if (const coverage c = coverage_of(memory_, graph.view()); !c.complete())
            return tl::unexpected<rejection>(rejection{
                rejection_kind::illegal,
                {errc::bad_input, fmt::format("the memory model {} does not take the {}", memory_.name, name_of(c.gap)),
                 "network", fmt::format("{}", c.got), fmt::format("at most {}", c.limit)}});
        const costs c = evaluate(graph.view(), memory_);
        const bool feasible = keeps_limits(c) && !(further_ && further_(c, graph.view()));
        return candidate<Space>{net, c, feasible || hash_if_infeasible ? graph_hash(graph.view()) : 0, feasible};
    }

    [[nodiscard]] bool keeps_limits(const costs& c) const {
        return c.mac_count >= problem_.min_macs && c.mac_count <= problem_.max_macs &&
               c.sram.size <= problem_.limits.sram && c.flash <= problem_.limits.flash;
    }

    /// The first limit that the costs do not keep. Messages are made for networks that are refused alone: a proposer
    /// measures thousands.
    [[nodiscard]] rejection over_limit(const costs& c, const network_of<Space>& net) const {
        const auto reject = [](rejection_kind kind, const char* what, std::string where, std::uint64_t got,
                               std::string wanted) {
            return rejection{kind,
                             {errc::over_budget, what, std::move(where), fmt::format("{}", got), std::move(wanted)}};
        };
        const auto range = [&] { return fmt::format("{} to {}", problem_.min_macs.value, problem_.max_macs.value); };
        if (c.mac_count < problem_.min_macs)
            return reject(rejection_kind::macs_low, "too few MACs", "network", c.mac_count.value, range());
        if (c.mac_count > problem_.max_macs)
            return reject(rejection_kind::macs_high, "too many MACs", "network", c.mac_count.value, range());
        if (c.sram.size > problem_.limits.sram)
            return reject(rejection_kind::sram, "peak SRAM over the limit", place_of(peak_origin(net, c.sram.at)),
                          c.sram.size.value, fmt::format("at most {} bytes", problem_.limits.sram.value));
        if (c.flash > problem_.limits.flash)
            return reject(rejection_kind::flash, "flash over the limit", "network", c.flash.value,
                          fmt::format("at most {} bytes", problem_.limits.flash.value));
        return {rejection_kind::objective, *further_(c, dynamic_graph(net).view())};
    }

    [[nodiscard]] static origin peak_origin(const network_of<Space>& net, std::int32_t at) {
        return origin_of(dynamic_graph(net).view(), {{}, at});
    }

    problem problem_;
    Memory memory_;
    limit_check further_;
    std::unordered_multimap<std::uint64_t, entry> seen_;
};

}  // namespace llmnas
