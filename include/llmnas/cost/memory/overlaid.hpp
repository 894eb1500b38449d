// SPDX-License-Identifier: MIT
/// \file
/// Memory model d: one operator after the other, the output overwrites the input as soon as that is no longer needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/cost/memory/live_maps.hpp>
#include <llmnas/cost/memory/overlay.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

namespace detail {

/// How one operator shares memory between an input that dies with it and its output.
struct operator_overlay {
    std::int32_t overwritten = -1;  ///< tensor that the output may overwrite, -1 for none
    std::int64_t distance = 0;      ///< offset of that tensor behind the output
    std::int64_t copy = 0;          ///< bytes of one pixel beside the maps
};

/// Convolutions and pools by pixels; sums, products and gates element by element over an input of the output's shape.
/// Linear layers, global pooling and concatenation read everything before or write to several places: no overlay.
[[nodiscard]] constexpr operator_overlay overlay_of(const graph_view& g, const live_maps& live,
                                                    std::size_t i) noexcept {
    const op& o = g.ops[i];
    const auto dies = [&](std::int32_t tensor) { return live.last_use(tensor) == static_cast<std::int32_t>(i); };
    const auto inputs = g.inputs_of(o);
    switch (o.kind) {
        case op_kind::conv:
        case op_kind::avg_pool:
        case op_kind::max_pool:
            if (dies(inputs[0])) return {inputs[0], pixel_distance(o), pixel_copy(o)};
            break;
        case op_kind::add:
        case op_kind::scale:
            for (const std::int32_t tensor : inputs)
                if (dies(tensor) && g.shape_of(tensor) == o.out) return {tensor, 0, 0};
            break;
        case op_kind::linear:
        case op_kind::global_avg_pool:
        case op_kind::concat:
            break;
    }
    return {};
}

}  // namespace detail

/// Output from address 0, input behind it at the smallest distance D at which no byte is overwritten before its last
/// read; a pointwise convolution copies one pixel of its input out first. The input frame is inside. Any directed
/// acyclic graph. Of several operators with the same peak the first is named.
struct overlaid {
    static constexpr std::string_view name = "overlaid";
    static constexpr bool max_of_stages = true;
    static constexpr bool rises_with_operators = true;

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        memory_peak result{int8_size(g.input)};
        detail::live_maps live(g);
        for (std::size_t i = 0; i < g.ops.size(); ++i) {
            const std::uint64_t here = size_at(g, live, i);
            if (here > result.size.value) result = {bytes{here}, static_cast<std::int32_t>(i)};
            live.pass(i);
        }
        return result;
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        const memory_peak p = peak(g);
        if (p.at >= 0) return layout_at(g, static_cast<std::size_t>(p.at));
        memory_layout l{.peak = p};
        l.stack(buffer_kind::map, 0, int8_size(g.input));
        return l;
    }

    /// The buffers while operator i runs.
    [[nodiscard]] static constexpr memory_layout layout_at(const graph_view& g, std::size_t i) noexcept {
        memory_layout l;
        const auto output = static_cast<std::int32_t>(i) + 1;
        const auto shared = detail::overlay_of(g, detail::live_maps(g), i);
        detail::for_each_live_map(g, i, [&](std::int32_t tensor) {
            if (tensor != output && tensor != shared.overwritten)
                l.stack(buffer_kind::map, tensor, int8_size(g.shape_of(tensor)));
        });
        const bytes base = l.end();
        l.add({buffer_kind::map, output, 0, base, int8_size(g.ops[i].out)});
        if (shared.overwritten >= 0)
            l.add({buffer_kind::map, shared.overwritten, 0, base + bytes{static_cast<std::uint64_t>(shared.distance)},
                   int8_size(g.shape_of(shared.overwritten))});
        l.stack(buffer_kind::pixel, shared.overwritten, bytes{static_cast<std::uint64_t>(shared.copy)});
        l.peak = {l.end(), static_cast<std::int32_t>(i)};
        return l;
    }

    /// Bytes while operator i runs, `live` having passed the operators before it.
    [[nodiscard]] static constexpr std::uint64_t size_at(const graph_view& g, const detail::live_maps& live,
                                                         std::size_t i) noexcept {
        const auto shared = detail::overlay_of(g, live, i);
        const std::uint64_t out = int8_size(g.ops[i].out).value;
        if (shared.overwritten < 0) return live.before() + out;
        const std::uint64_t in = int8_size(g.shape_of(shared.overwritten)).value;
        const std::uint64_t moved = static_cast<std::uint64_t>(shared.distance) + in;
        return live.before() - in + (moved > out ? moved : out) + static_cast<std::uint64_t>(shared.copy);
    }
};

static_assert(ExplainsPeak<overlaid>);

}  // namespace llmnas
