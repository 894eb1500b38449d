// SPDX-License-Identifier: MIT
/// \file
/// Memory model c: as layerwise, but a depthwise convolution writes over its input channel by channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/operatorwise.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

namespace detail {

/// One channel with its padding, in bytes: what a depthwise convolution copies out before it writes over the channel.
[[nodiscard]] constexpr std::int64_t padded_plane(const op& o) noexcept {
    return std::int64_t{o.in.height + o.pad.top + o.pad.bottom} * (o.in.width + o.pad.left + o.pad.right);
}

/// Whether output channel c needs input channel c alone, so that it may be written over it once that is copied out.
[[nodiscard]] constexpr bool is_channelwise_depthwise(const op& o) noexcept {
    return o.is_depthwise() && o.out.channels == o.in.channels;
}
[[nodiscard]] constexpr bool works_channelwise(const op& o) noexcept {
    return is_channelwise_depthwise(o) || o.kind == op_kind::avg_pool || o.kind == op_kind::max_pool;
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

    static constexpr bool names_last = true;

    [[nodiscard]] static constexpr memory_peak peak(const graph_view& g) noexcept {
        return detail::largest_operator<in_place_depthwise>(g);
    }

    [[nodiscard]] static constexpr std::int64_t size_at(const detail::live_maps& live) noexcept {
        const bool in_place = live.input_dies() && detail::is_channelwise_depthwise(live.current());
        return live.before() + live.out() - (in_place ? detail::at_most(live.in(), live.out()) : 0);
    }

    [[nodiscard]] static constexpr std::int64_t overhead_at(const detail::live_maps& live) noexcept {
        const op& o = live.current();
        return detail::is_channelwise_depthwise(o) ? 2 * detail::padded_plane(o) : 0;
    }

    static constexpr void usage(const graph_view& g, std::span<bytes> by_operator) noexcept {
        detail::size_by_operator<in_place_depthwise>(g, by_operator);
    }

    [[nodiscard]] static constexpr memory_layout layout(const graph_view& g) noexcept {
        memory_layout l{.peak = peak(g)};
        if (l.peak.at < 0) {
            l.stack(buffer_kind::map, 0, int8_size(g.input));
            return l;
        }
        const auto i = static_cast<std::size_t>(l.peak.at);
        const op& o = g.ops[i];
        const std::int32_t input = g.inputs_of(o)[0];
        const bool in_place = detail::is_channelwise_depthwise(o) && g.last_use(input) == l.peak.at;
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
};

static_assert(ExplainsPeak<in_place_depthwise>);

}  // namespace llmnas
