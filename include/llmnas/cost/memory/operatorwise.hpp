// SPDX-License-Identifier: MIT
/// \file
/// Memory models that look at one operator after the other (a, c and d), any number of them in one walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <llmnas/cost/memory/live_maps.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas::detail {

/// What a model takes while one operator runs, and which of several equal peaks it names. `overhead_at` is what an
/// operator needs beside the maps; the largest of all is added to the peak.
template <class M>
concept OperatorwiseModel = requires(const live_maps& live) {
    { M::size_at(live) } -> std::same_as<std::int64_t>;
    { M::names_last } -> std::convertible_to<bool>;
};

/// The running maximum of one model.
template <OperatorwiseModel M>
struct largest {
    std::int64_t size;
    std::int64_t overhead = 0;
    std::int32_t at = -1;

    [[gnu::always_inline]] constexpr void look(const live_maps& live) noexcept {
        const std::int64_t here = M::size_at(live);
        if (M::names_last ? here >= size : here > size) size = here, at = live.index();
        if constexpr (requires { M::overhead_at(live); }) overhead = at_least(overhead, M::overhead_at(live));
    }
    [[nodiscard]] constexpr memory_peak peak() const noexcept {
        const bytes extra{static_cast<std::uint64_t>(overhead)};
        return {bytes{static_cast<std::uint64_t>(size)} + extra, at, extra};
    }
};

/// Largest size over all operators; the network's input alone where there are none.
template <OperatorwiseModel M>
[[nodiscard]] constexpr memory_peak largest_operator(const graph_view& g) noexcept {
    live_maps live(g);
    largest<M> most{live.before()};
    for (std::size_t i = 0; i < g.ops.size(); ++i) {
        live.enter(i);
        most.look(live);
        live.leave();
    }
    return most.peak();
}

/// Size of every operator, the largest overhead of all added.
template <OperatorwiseModel M>
constexpr void size_by_operator(const graph_view& g, std::span<bytes> sizes) noexcept {
    const bytes overhead = largest_operator<M>(g).overhead;
    live_maps live(g);
    for (std::size_t i = 0; i < g.ops.size() && i < sizes.size(); ++i) {
        live.enter(i);
        sizes[i] = bytes{static_cast<std::uint64_t>(M::size_at(live))} + overhead;
        live.leave();
    }
}

}  // namespace llmnas::detail
