// SPDX-License-Identifier: MIT
/// \file
/// Training happens at other resolutions than deployment: what a network's maps become there. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/result.hpp>

namespace llmnas {

namespace detail {

inline std::int32_t positions(std::int32_t size, std::int32_t kernel, std::int32_t stride, std::int32_t pads) noexcept {
    const std::int32_t room = size + pads - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

}  // namespace detail

/// Shapes of all tensors (0: the input) when images of another size run through the network; attributes of the
/// operators stay. bad_input, with the operator, where a kernel no longer fits on its map, joined maps differ, or a
/// linear layer stands on a map of fixed size.
[[nodiscard]] inline result<std::vector<shape>> shapes_at(const graph_view& net, std::int32_t height,
                                                          std::int32_t width) {
    std::vector<shape> shapes;
    shapes.reserve(net.ops.size() + 1);
    shapes.push_back({net.input.channels, height, width});
    for (std::size_t i = 0; i < net.ops.size(); ++i) {
        const op& o = net.ops[i];
        const auto inputs = net.inputs_of(o);
        const shape in = shapes[static_cast<std::size_t>(inputs[0])];
        const auto refuse = [&](const char* what) {
            return fail(
                errc::bad_input, fmt::format("{} when images of {}x{} run through the network", what, height, width),
                fmt::format("operator {} ({}, stage {}, block {})", i, name_of(o.from.role), o.from.stage,
                            o.from.block),
                fmt::format("{}x{}x{}", in.channels, in.height, in.width),
                fmt::format("a larger image; the network's own input is {}x{}", net.input.height, net.input.width));
        };
        shape out{o.out.channels, in.height, in.width};
        switch (o.kind) {
            case op_kind::conv:
            case op_kind::avg_pool:
            case op_kind::max_pool:
                out.height = detail::positions(in.height, o.kernel_h, o.stride_h, o.pad.top + o.pad.bottom);
                out.width = detail::positions(in.width, o.kernel_w, o.stride_w, o.pad.left + o.pad.right);
                if (out.height < 1 || out.width < 1) return refuse("kernel larger than the padded map");
                break;
            case op_kind::linear:
                if (in.elements() != o.in.elements()) return refuse("linear layer on a map of another size");
                out = {o.out.channels, 1, 1};
                break;
            case op_kind::global_avg_pool:
                out = {in.channels, 1, 1};
                break;
            case op_kind::add:
            case op_kind::concat:
                for (const std::int32_t t : inputs) {
                    const shape& other = shapes[static_cast<std::size_t>(t)];
                    if (other.height != in.height || other.width != in.width)
                        return refuse("joined maps of different sizes");
                }
                break;
            case op_kind::scale: {
                const shape& gates = shapes[static_cast<std::size_t>(inputs[1])];
                const bool one_a_channel = gates.height == 1 && gates.width == 1;
                if (!one_a_channel && (gates.height != in.height || gates.width != in.width))
                    return refuse("map and gates of different sizes");
                break;
            }
        }
        shapes.push_back(out);
    }
    return shapes;
}

}  // namespace llmnas
