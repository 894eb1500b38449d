// SPDX-License-Identifier: MIT
/// \file
/// Which maps exist while an operator runs, one operator after the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/graph.hpp>

namespace llmnas::detail {

/// Goes through a network operator by operator and keeps the bytes of the maps that exist between them.
class live_maps {
public:
    constexpr explicit live_maps(const graph_view& g) noexcept : g_(g), live_(int8_size(g.input).value) {
        for (std::size_t i = 0; i < g.ops.size(); ++i)
            for (const std::int32_t id : g.inputs_of(g.ops[i]))
                if (id == 0) input_last_use_ = static_cast<std::int32_t>(i);
    }

    /// Bytes of the maps that exist before the next operator writes.
    [[nodiscard]] constexpr std::uint64_t before() const noexcept { return live_; }

    /// Index of the last operator that reads a map.
    [[nodiscard]] constexpr std::int32_t last_use(std::int32_t tensor) const noexcept {
        return tensor > 0 ? g_.ops[static_cast<std::size_t>(tensor) - 1].last_use : input_last_use_;
    }

    /// Goes past operator i: adds its output, takes away the maps that it was the last to read (each once) and its own
    /// output where nobody reads it.
    constexpr void pass(std::size_t i) noexcept {
        const op& o = g_.ops[i];
        const auto index = static_cast<std::int32_t>(i);
        if (o.last_use != index || i + 1 == g_.ops.size()) live_ += int8_size(o.out).value;
        const auto inputs = g_.inputs_of(o);
        for (std::size_t k = 0; k < inputs.size(); ++k) {
            if (last_use(inputs[k]) != index) continue;
            bool repeated = false;
            for (std::size_t earlier = 0; earlier < k; ++earlier) repeated |= inputs[earlier] == inputs[k];
            if (!repeated) live_ -= int8_size(g_.shape_of(inputs[k])).value;
        }
    }

private:
    graph_view g_;
    std::uint64_t live_;
    std::int32_t input_last_use_ = 0;
};

/// Calls f(tensor) for each map that exists while operator i runs, its output last. An input that no operator reads
/// exists until the first operator is done.
template <class F>
constexpr void for_each_live_map(const graph_view& g, std::size_t i, F&& f) {
    const live_maps uses(g);
    for (std::size_t t = 0; t <= i; ++t)
        if (uses.last_use(static_cast<std::int32_t>(t)) >= static_cast<std::int32_t>(i))
            f(static_cast<std::int32_t>(t));
    f(static_cast<std::int32_t>(i) + 1);
}

}  // namespace llmnas::detail
