// SPDX-License-Identifier: MIT
/// \file
/// Whether a network can be run on the images of a set. No torch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/resolution.hpp>

namespace llmnas {

/// bad_input where the network has no operators, its input channels or outputs are not those of the images, or its maps
/// get too small at this resolution. `where` says who asks.
[[nodiscard]] inline result<void> fits_images(const graph_view& net, const image_set& set, std::int32_t resolution,
                                              const std::string& where) {
    if (net.ops.empty()) return fail(errc::bad_input, "network has no operators", where);
    if (net.input.channels != set.image.channels)
        return fail(errc::bad_input, "input channels of the network and the images differ", where,
                    fmt::format("{}", net.input.channels), fmt::format("{}", set.image.channels));
    if (net.output() != shape{set.classes, 1, 1})
        return fail(errc::bad_input, "outputs of the network and classes of the data differ", where,
                    fmt::format("{}x{}x{}", net.output().channels, net.output().height, net.output().width),
                    fmt::format("{}", set.classes));
    if (auto shapes = shapes_at(net, resolution, resolution); !shapes) return tl::unexpected(std::move(shapes.error()));
    return {};
}

}  // namespace llmnas
