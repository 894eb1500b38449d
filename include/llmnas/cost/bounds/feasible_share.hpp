// SPDX-License-Identifier: MIT
/// \file
/// Which share of a search space keeps limits: counted exactly where the limits decompose over stages, else estimated
/// from random networks with a confidence interval.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/random.hpp>
#include <llmnas/cost/bounds/count_table.hpp>
#include <llmnas/cost/bounds/model_promises.hpp>
#include <llmnas/cost/bounds/stage_costs.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/stage_groups.hpp>

namespace llmnas {

/// Points of a space whose networks are legal and keep limits.
struct feasible_count {
    uint128 feasible = 0;
    uint128 total = 0;
    bool complete = true;  ///< false where the count was given up: more nodes than allowed, or stages that depend

    [[nodiscard]] constexpr double share() const noexcept {
        return total == 0 ? 0 : static_cast<double>(feasible) / static_cast<double>(total);
    }
};

/// Counts exactly, stage by stage: ways to each shape, and where MACs or flash are limited to each sum of theirs as
/// well. With SRAM alone limited, the paper's spaces take a few hundred nodes; sums multiply them, so that limits on
/// MACs or flash suit small spaces: the count gives up beyond `max_nodes` behind one stage. SRAM needs a model whose
/// peak is the largest of the stages'.
template <SearchSpace Space, MaxOfStages Memory = layerwise>
[[nodiscard]] constexpr feasible_count count_feasible(const cost_limits& limits,
                                                      const shape& input = network_of<Space>{}.input,
                                                      std::int32_t classes = network_of<Space>{}.classes,
                                                      const Memory& memory = {}, std::size_t max_nodes = 1'000'000) {
    using groups = stage_groups<Space, rule_use::without_effect>;
    feasible_count result{0, cardinality<Space>, true};
    detail::stage_evaluator<Space, Memory> eval(memory);
    // A configuration or head with its costs; sums that nothing limits are left out, so that ways merge.
    const auto reduced = [&](const detail::part_costs& p, uint128 ways) {
        return detail::counted_ways{p.out, limits.limit_macs() ? p.cost[0] : 0, limits.limit_flash() ? p.cost[2] : 0,
                                    ways};
    };
    const auto small = [&](const detail::part_costs& p) { return p.legal && p.peak() <= limits.sram; };
    struct stage_table {
        shape in;
        detail::count_table steps;
    };
    detail::list<stage_table> tables;
    const auto steps_from = [&](const shape& in) {
        for (std::size_t i = 0; i < tables.size(); ++i)
            if (tables[i].in == in) return tables[i].steps.span();
        auto& steps = tables.push_back({in, {}}).steps;
        for (std::uint64_t g = 0; g < groups::count; ++g) {
            const auto c = groups::corner(g, extreme::least);
            if (!c.valid) continue;
            const detail::part_costs p = eval.stage(c.stage, in);
            if (small(p)) steps.add(reduced(p, groups::weight(c.stage)));
        }
        return steps.span();
    };
    detail::count_table nodes;
    nodes.add({input, 0, 0, 1});
    for (std::size_t s = 0; s < Space::stages; ++s) {
        detail::count_table next;
        for (const auto& from : nodes.span())
            for (const auto& step : steps_from(from.out)) {
                const detail::counted_ways to{step.out, saturating_add(from.mac_count, step.mac_count),
                                              saturating_add(from.flash, step.flash), from.ways * step.ways};
                if (to.mac_count > limits.max_macs.value || to.flash > limits.flash.value) continue;
                next.add(to);
                if (next.size() > max_nodes || eval.blocks_depend()) return {0, result.total, false};
            }
        nodes = static_cast<detail::count_table&&>(next);
    }
    for (const auto& end : nodes.span()) {
        const detail::part_costs head = eval.head(end.out, classes);
        if (!small(head)) continue;
        const auto last = reduced(head, 1);
        const macs mac_count{saturating_add(end.mac_count, last.mac_count)};
        if (mac_count < limits.min_macs || mac_count > limits.max_macs) continue;
        if (saturating_add(end.flash, last.flash) <= limits.flash.value) result.feasible += end.ways;
    }
    result.complete = !eval.blocks_depend();
    return result;
}

/// An estimated share with its 95 % confidence interval (Wilson, "Probable inference, the law of succession, and
/// statistical inference", 1927), which holds near 0 and 1, too.
struct share_estimate {
    std::uint64_t feasible = 0;
    std::uint64_t samples = 0;
    double value = 0;
    double lower = 0;
    double upper = 1;
};

namespace detail {

/// Square root of a number in 0 .. 1 by Newton's method: <cmath> is not constexpr.
[[nodiscard]] constexpr double square_root(double x) noexcept {
    if (x <= 0) return 0;
    double r = 1;
    for (int i = 0; i < 64; ++i) r = (r + x / r) / 2;
    return r;
}

}  // namespace detail

/// Share and interval of `feasible` successes in `samples` independent draws.
[[nodiscard]] constexpr share_estimate wilson_interval(std::uint64_t feasible, std::uint64_t samples) noexcept {
    if (samples == 0) return {};
    constexpr double z = 1.959963984540054;
    const auto n = static_cast<double>(samples);
    const double p = static_cast<double>(feasible) / n;
    const double scale = 1 / (1 + z * z / n);
    const double center = scale * (p + z * z / (2 * n));
    const double half = scale * z * detail::square_root(p * (1 - p) / n + z * z / (4 * n * n));
    return {feasible, samples, p, feasible == 0 ? 0 : center - half, feasible == samples ? 1 : center + half};
}

/// Draws uniform random networks; illegal ones keep no limits. Any memory model. Equal seeds give equal estimates. Not
/// constexpr: g++ tries calls with constant arguments at compile time, and thousands of networks take gigabytes there.
template <SearchSpace Space, MemoryModel Memory = layerwise>
[[nodiscard]] share_estimate estimate_feasible_share(const cost_limits& limits, std::uint64_t samples,
                                                     std::uint64_t seed = 0,
                                                     const shape& input = network_of<Space>{}.input,
                                                     std::int32_t classes = network_of<Space>{}.classes,
                                                     const Memory& memory = {}) {
    detail::stage_evaluator<Space, detail::no_memory> sums;
    detail::stage_evaluator<Space, Memory> peaks(memory);
    splitmix64 rng{mix_seed(seed, 0)};
    std::uint64_t feasible = 0;
    for (std::uint64_t i = 0; i < samples; ++i) {
        const auto net = decode(sample<Space>(rng), input, classes);
        const detail::part_costs sum = sums.network(net);
        const costs c{macs{sum.cost[0]}, params{sum.cost[1]}, bytes{sum.cost[2]}, {}};
        if (!sum.legal || !limits.allow(c)) continue;
        if (!limits.limit_sram() || peaks.network(net).peak() <= limits.sram) ++feasible;
    }
    return wilson_interval(feasible, samples);
}

}  // namespace llmnas
