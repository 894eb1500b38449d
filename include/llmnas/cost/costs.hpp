// SPDX-License-Identifier: MIT
/// \file
/// All costs of a network at once, at compile time and at run time by the same functions.
#pragma once

#include <llmnas/core/network.hpp>
#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/memory/operatorwise.hpp>
#include <llmnas/cost/memory_model.hpp>
#include <llmnas/cost/terms.hpp>

namespace llmnas {

/// MACs, trainable parameters, int8 flash and peak SRAM of one network under one memory model.
struct costs {
    macs mac_count;
    params parameters;
    bytes flash;
    memory_peak sram;
    friend constexpr bool operator==(const costs&, const costs&) = default;
};

/// The same under several memory models; those that look at one operator after the other share one walk.
template <MemoryModel... Models>
struct costs_under {
    macs mac_count;
    params parameters;
    bytes flash;
    memory_peak sram[sizeof...(Models)];  ///< in the order of the models
};

namespace detail {

/// The running peak of one model of several: by operators where the model can, else of the whole network at the end.
template <class M>
struct running_peak {
    constexpr explicit running_peak(std::int64_t) noexcept {}
    constexpr void look(const live_maps&) noexcept {}
    [[nodiscard]] constexpr memory_peak peak_of(const graph_view& g) const noexcept { return M{}.peak(g); }
};
template <OperatorwiseModel M>
struct running_peak<M> : largest<M> {
    constexpr explicit running_peak(std::int64_t input) noexcept : largest<M>{input} {}
    [[nodiscard]] constexpr memory_peak peak_of(const graph_view&) const noexcept { return this->peak(); }
};
template <class... Models>
struct running_peaks : running_peak<Models>... {
    constexpr explicit running_peaks(std::int64_t input) noexcept : running_peak<Models>(input)... {}
    [[gnu::always_inline]] constexpr void look(const live_maps& live) noexcept {
        (running_peak<Models>::look(live), ...);
    }
};

}  // namespace detail

template <MemoryModel... Models>
[[nodiscard]] constexpr costs_under<Models...> evaluate_under(const graph_view& g) noexcept {
    detail::live_maps live(g);
    detail::running_peaks<Models...> peaks(live.before());
    macs m;
    params p;
    bytes f;
    for (std::size_t i = 0; i < g.ops.size(); ++i) {
        live.enter(i);
        peaks.look(live);
        live.leave();
        m += mac_count::of(g.ops[i]);
        p += parameter_count::of(g.ops[i]);
        f += int8_flash::of(g.ops[i]);
    }
    return {m, p, f, {static_cast<const detail::running_peak<Models>&>(peaks).peak_of(g)...}};
}

/// Under one memory model, which may also be chosen at run time.
template <MemoryModel Memory = layerwise>
[[nodiscard]] constexpr costs evaluate(const graph_view& g, const Memory& memory = Memory{}) noexcept {
    return {total<mac_count>(g), total<parameter_count>(g), total<int8_flash>(g), memory.peak(g)};
}

/// Costs of a fixed design: `costs_of<network<zoo::lmanet_elite>>.sram.size`.
template <Network Net, MemoryModel Memory = layerwise>
inline constexpr costs costs_of = evaluate<Memory>(Net::view);

}  // namespace llmnas
