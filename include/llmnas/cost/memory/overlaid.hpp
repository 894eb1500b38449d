// SPDX-License-Identifier: MIT
/// \file
/// Memory model d: one operator after the other, the output overwrites the input as soon as that is no longer needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/operatorwise.hpp>
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
/// Linear layers, global pooling and concatenation read everything before they write, or write to several places: no
/// overlay. `live` has entered the operator.
[[nodiscard]] constexpr operator_overlay overlay_of(const live_maps& live) noexcept {
    const op& o = live.current();
    switch (o.kind) {
        case op_kind::conv:
        case op_kind::avg_pool:
        case op_kind::max_pool:
            if (live.input_dies()) return {live.input(0), pixel_distance(o), pixel_copy(o)};
            break;
        case op_kind::add:
        case op_kind::scale:
            for (std::int32_t k = 0; k < o.input_count; ++k)
                if (live.graph().last_use(live.input(k)) == live.index() &&
                    live.graph().shape_of(live.input(k)) == o.out)
                    return {live.input(k), 0, 0};
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

    static constexpr bool names_last = false;

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return detail::largest_operator<overlaid>(g);
    }

    [[nodiscard]] static constexpr std::int64_t size_at(const detail::live_maps& live) noexcept {
        if (live.current().is_plain_pointwise() && live.input_dies())  // the common case: end to end, one pixel aside
            return live.before() - live.in() + detail::at_least(live.in(), live.out()) + live.current().in.channels;
        const auto shared = detail::overlay_of(live);
        if (shared.overwritten < 0) return live.before() + live.out();
        // An overwritten input other than the first has the output's shape.
        const std::int64_t in = shared.overwritten == live.input(0) ? live.in() : live.out();
        return live.before() - in + detail::at_least(shared.distance + in, live.out()) + shared.copy;
    }

    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        detail::size_by_operator<overlaid>(g, by_operator);
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
        detail::live_maps live(g);
        live.enter(i);
        const auto shared = detail::overlay_of(live);
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
};

static_assert(ExplainsPeak<overlaid>);

}  // namespace llmnas
