// SPDX-License-Identifier: MIT
/// \file
/// Memory model a: one operator after the other, every map in a buffer of its own while it is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// Maximum over operators of inputs + output + other maps still needed later (a block's input while its residual is
/// pending). The input frame is inside. Of several operators with the same peak the last is named. Any directed
/// acyclic graph.
struct layerwise {
    static constexpr std::string_view name = "layerwise";

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        memory_peak result;
        bytes live = int8_size(g.input);
        for (std::size_t i = 0; i < g.ops.size(); ++i) {
            const op& o = g.ops[i];
            live += int8_size(o.out);
            if (live >= result.size) result = {live, static_cast<std::int32_t>(i)};
            release(g, static_cast<std::int32_t>(i), live);
        }
        return result;
    }

    /// Bytes of all maps that exist while operator i runs: its inputs, its output and what is needed later.
    [[nodiscard]] static constexpr bytes live_at(const graph_view& g, std::size_t i) noexcept {
        bytes live = int8_size(g.input);
        for (std::size_t k = 0; k <= i && k < g.ops.size(); ++k) {
            live += int8_size(g.ops[k].out);
            if (k < i) release(g, static_cast<std::int32_t>(k), live);
        }
        return live;
    }

private:
    /// Frees the maps that operator i was the last to read, each once, and its own output where nobody reads it.
    static constexpr void release(const graph_view& g, std::int32_t i, bytes& live) noexcept {
        const op& o = g.ops[static_cast<std::size_t>(i)];
        const auto inputs = g.inputs_of(o);
        for (std::size_t k = 0; k < inputs.size(); ++k) {
            bool repeated = false;
            for (std::size_t earlier = 0; earlier < k; ++earlier) repeated |= inputs[earlier] == inputs[k];
            if (!repeated && last_use(g, inputs[k]) == i) live.value -= int8_size(g.shape_of(inputs[k])).value;
        }
        if (o.last_use == i) live.value -= int8_size(o.out).value;
    }

    [[nodiscard]] static constexpr std::int32_t last_use(const graph_view& g, std::int32_t tensor) noexcept {
        if (tensor > 0) return g.ops[static_cast<std::size_t>(tensor) - 1].last_use;
        std::int32_t last = 0;
        for (std::size_t i = 0; i < g.ops.size(); ++i)
            for (const std::int32_t id : g.inputs_of(g.ops[i]))
                if (id == 0) last = static_cast<std::int32_t>(i);
        return last;
    }
};

static_assert(MemoryModel<layerwise>);

}  // namespace llmnas
