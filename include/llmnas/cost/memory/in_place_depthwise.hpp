// SPDX-License-Identifier: MIT
/// \file
/// Memory model c: as layerwise, but a depthwise convolution writes over its input channel by channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/cost/memory/live_maps.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

namespace detail {

/// One channel with its padding, in bytes: what a depthwise convolution copies out before it writes over the channel.
[[nodiscard]] constexpr std::uint64_t padded_plane(const op& o) noexcept {
    return static_cast<std::uint64_t>(o.in.height + o.pad.top + o.pad.bottom) *
           static_cast<std::uint64_t>(o.in.width + o.pad.left + o.pad.right);
}

/// Whether output channel c needs input channel c alone, so that it may be written over it once that is copied out.
[[nodiscard]] constexpr bool works_channelwise(const op& o) noexcept {
    return (o.is_depthwise() && o.out.channels == o.in.channels) || o.kind == op_kind::avg_pool ||
           o.kind == op_kind::max_pool;
}

}  // namespace detail

/// The rule of TinyEngine (Lin et al., "MCUNet", NeurIPS 2020): a depthwise convolution whose input nobody else needs
/// takes the larger of input and output, everything else input + output. The overhead is TinyEngine's global buffer:
/// two padded channels of the largest depthwise convolution. The input frame is inside. Any directed acyclic graph. Of
/// several operators with the same peak the last is named.
struct in_place_depthwise {
    static constexpr std::string_view name = "in_place_depthwise";
    static constexpr bool parts_max_of_stages = true;
    static constexpr bool rises_with_operators = true;

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        std::uint64_t most = int8_size(g.input).value, plane = 0;
        std::int32_t at = -1;
        detail::live_maps live(g);
        for (std::size_t i = 0; i < g.ops.size(); ++i) {
            const op& o = g.ops[i];
            std::uint64_t here = live.before() + int8_size(o.out).value;
            if (o.is_depthwise() && o.out.channels == o.in.channels) {
                if (detail::padded_plane(o) > plane) plane = detail::padded_plane(o);
                const std::uint64_t in = int8_size(o.in).value, out = int8_size(o.out).value;
                if (dies(g, live, i)) here -= in < out ? in : out;
            }
            if (here >= most) most = here, at = static_cast<std::int32_t>(i);
            live.pass(i);
        }
        return {bytes{most + 2 * plane}, at, bytes{2 * plane}};
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        memory_layout l{.peak = peak(g)};
        if (l.peak.at < 0) {
            l.stack(buffer_kind::map, 0, int8_size(g.input));
            return l;
        }
        const auto i = static_cast<std::size_t>(l.peak.at);
        const op& o = g.ops[i];
        const detail::live_maps live(g);
        const bool in_place = o.is_depthwise() && o.out.channels == o.in.channels && dies(g, live, i);
        const std::int32_t input = g.inputs_of(o)[0];
        detail::for_each_live_map(g, i, [&](std::int32_t tensor) {
            if (in_place && tensor == input) return;
            l.stack(buffer_kind::map, tensor, int8_size(g.shape_of(tensor)));
        });
        if (in_place) {  // the output was stacked last; its input begins where it begins
            const bytes offset = l.storage[l.count - 1].offset;
            l.add({buffer_kind::map, input, 0, offset, int8_size(o.in)});
        }
        l.stack(buffer_kind::scratch, -1, l.peak.overhead);
        return l;
    }

private:
    [[nodiscard]] static constexpr bool dies(const graph_view& g, const detail::live_maps& live, std::size_t i) {
        return live.last_use(g.inputs_of(g.ops[i])[0]) == static_cast<std::int32_t>(i);
    }
};

static_assert(ExplainsPeak<in_place_depthwise>);

}  // namespace llmnas
