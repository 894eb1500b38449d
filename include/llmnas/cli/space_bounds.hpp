// SPDX-License-Identifier: MIT
/// \file
/// What `llmnas space` says about a whole space: bounds of every cost and the share that keeps the limits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <boost/hana/unpack.hpp>

#include <llmnas/cli/task_options.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/cost/bounds.hpp>
#include <llmnas/cost/bounds/feasible_share.hpp>
#include <llmnas/cost/memory_model_list.hpp>

namespace llmnas::cli {

namespace detail {

template <class Q, class Space>
void print_range(std::string_view name, const bound_range<Q, Space>& r) {
    const auto end = [](const bound<Q, Space>& b) {
        return b.quality == bound_quality::none ? std::string("unknown") : grouped(b.value.value);
    };
    const auto quality = r.least.quality == r.greatest.quality
                             ? std::string(name_of(r.least.quality))
                             : fmt::format("{}, {}", name_of(r.least.quality), name_of(r.greatest.quality));
    fmt::print("  {:<22} {:>14} {:>18}   {}\n", name, end(r.least), end(r.greatest),
               quality == "none" ? "no bound" : quality);
}

[[nodiscard]] inline std::string percent(double share) { return fmt::format("{:.4g} %", 100 * share); }

/// Bounds under the model with this type, and the exact share of its SRAM limit where that can be counted.
template <SearchSpace Space, MemoryModel Memory>
bool print_bounds_under(const problem& p) {
    const auto b = bounds<Space, Memory>(p.input, p.classes);
    fmt::print("\nbounds over all networks at {}x{}x{}, {} classes\n", p.input.channels, p.input.height, p.input.width,
               p.classes);
    if (b.error != bounds_errc::none) {
        fmt::print("  none: {}\n", name_of(b.error));
        return false;
    }
    fmt::print("  {:<22} {:>14} {:>18}\n", "", "least", "greatest");
    print_range("MACs", b.mac_count);
    print_range("parameters", b.parameters);
    print_range("flash, bytes", b.flash);
    print_range("peak SRAM, bytes", b.sram);
    fmt::print("  (peak SRAM by memory model {})\n\n", Memory::name);
    if constexpr (MaxOfStages<Memory>)
        fmt::print("share within {} of SRAM     {}, counted\n", readable(p.limits.sram),
                   percent(count_feasible<Space, Memory>({.sram = p.limits.sram}, p.input, p.classes).share()));
    return true;
}

}  // namespace detail

/// Bounds of all costs, and the share of networks within all limits with its 95 % interval.
template <SearchSpace Space>
void print_bounds(const task& t, std::uint64_t samples, std::uint64_t seed) {
    bool any_legal = false;
    boost::hana::unpack(memory_models, [&](auto... models) {
        const auto look = [&](auto model) {
            using Model = typename decltype(model)::type;
            if (Model::name == t.memory.name) any_legal = detail::print_bounds_under<Space, Model>(t.limits);
        };
        (look(models), ...);
    });
    if (!any_legal || samples == 0) return;
    const problem& p = t.limits;
    const auto e = estimate_feasible_share<Space>({p.min_macs, p.max_macs, p.limits.sram, p.limits.flash}, samples,
                                                  seed, p.input, p.classes, t.memory);
    fmt::print("share within all limits            {} (95 % interval {} to {}; {} of {} random networks)\n",
               detail::percent(e.value), detail::percent(e.lower), detail::percent(e.upper), grouped(e.feasible),
               grouped(e.samples));
    fmt::print("  limits: {} to {} MACs, {} of SRAM, {} of flash\n", grouped(p.min_macs.value),
               grouped(p.max_macs.value), readable(p.limits.sram), readable(p.limits.flash));
}

}  // namespace llmnas::cli
