// SPDX-License-Identifier: MIT
/// \file
/// Memory models are policies: peak SRAM of a lowered network under one way of executing it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Peak of a memory model and the operator where it occurs.
struct memory_peak {
    bytes size;            ///< everything that the model counts
    std::int32_t at = -1;  ///< index of the operator; -1 for a network without operators
    bytes overhead{};      ///< the part of `size` that holds no maps: scratch, tables, allowances that a model names
    friend constexpr bool operator==(const memory_peak&, const memory_peak&) = default;

    /// What maps, and the rows and pixels of maps, take.
    [[nodiscard]] constexpr bytes activations() const noexcept { return {size.value - overhead.value}; }
};

/// Where a peak is; outside all stages for a model that names no operator.
[[nodiscard]] constexpr origin origin_of(const graph_view& g, const memory_peak& p) noexcept {
    return p.at >= 0 && static_cast<std::size_t>(p.at) < g.ops.size() ? g.ops[static_cast<std::size_t>(p.at)].from
                                                                      : origin{};
}

/// Why a memory model cannot judge a network.
enum class coverage_gap : std::uint8_t {
    none,
    operators,  ///< more operators than the model takes
    cuts,       ///< more places between whole maps than the planner takes
    parts,      ///< operators whose plan has more parts or buffers than memory_plan holds
};

[[nodiscard]] constexpr std::string_view name_of(coverage_gap c) noexcept {
    constexpr std::string_view names[] = {"none", "number of operators", "number of cut points", "operators of a plan"};
    return names[static_cast<std::size_t>(c)];
}

/// Whether a memory model covers a network, and if not, what it has too much of and which number it takes.
struct coverage {
    coverage_gap gap = coverage_gap::none;
    std::int64_t got = 0;
    std::int64_t limit = 0;
    friend constexpr bool operator==(const coverage&, const coverage&) = default;

    [[nodiscard]] constexpr bool complete() const noexcept { return gap == coverage_gap::none; }
};

/// The peak that a model reports of a network which it does not cover: over every budget.
inline constexpr memory_peak uncovered_peak{bytes{std::numeric_limits<std::uint64_t>::max()}, -1};

/// Peak SRAM in bytes of int8 activations with batch norm folded and activations fused. Stack and data of the runtime
/// are not inside; each model says whether the input frame is.
/// Built-in models are stateless, so that `Model{}` serves at compile time; a program may also choose one at run time
/// behind the same two members.
///
/// Optional members: `coverage covers(const graph_view&)` of a model that does not judge every network;
/// `memory_layout layout(const graph_view&)` of one that can say which buffers make up the peak (memory_layout.hpp);
/// bounds over spaces (cost/bounds.hpp, docs/bounds.md) use the promises `static constexpr bool`
/// - `max_of_stages`: the peak of every network that the model covers is the maximum over its stages lowered alone and
///   its head, wherever between two blocks the stages are cut, and does not depend on activations;
/// - `parts_max_of_stages`: so are activations() and overhead, each for itself;
/// - `stages_bound_above`: that maximum is an upper bound;
/// - `rises_with_operators`: a larger stage (core/size_rules.hpp) never has a smaller peak;
/// and `using never_below = Model`, another model whose peak is never larger.
template <class M>
concept MemoryModel = requires(const M& m, const graph_view& g) {
    { m.name } -> std::convertible_to<std::string_view>;
    { m.peak(g) } -> std::same_as<memory_peak>;
};

/// Coverage of a network by any memory model; models without the member judge every network.
template <MemoryModel M>
[[nodiscard]] constexpr coverage coverage_of(const M& model, const graph_view& g) {
    if constexpr (requires { model.covers(g); })
        return model.covers(g);
    else
        return {};
}

}  // namespace llmnas
