// SPDX-License-Identifier: MIT
/// \file
/// The basic block of residual networks.
#pragma once

#include <cstddef>
#include <string_view>

#include <llmnas/core/blocks/convolution.hpp>

namespace llmnas {

/// conv kxk - BN - act - conv kxk - BN, plus the block's input, act behind the sum; the input goes through a 1x1
/// convolution with BN where stride or channels change (He et al., "Deep Residual Learning for Image Recognition",
/// 2016, Fig. 5 left). Stage fields: output_channels, kernel_size, stride, activation.
struct basic_block {
    static constexpr std::string_view name = "basic";
    static constexpr auto inert_fields = conv_block::inert_fields;

    template <class Stage>
    static constexpr tensor lower(graph_builder& g, const Stage& s, std::size_t b, tensor x) noexcept {
        const std::int32_t stride = block_parts::stride(s, b);
        tensor y = block_parts::conv(
            g, s, x, role::main,
            {.channels = s.output_channels, .kernel = s.kernel_size, .stride = stride, .activation = s.activation});
        y = block_parts::conv(g, s, y, role::main, {.channels = s.output_channels, .kernel = s.kernel_size});
        if (stride != 1 || x.shape.channels != s.output_channels)
            x = block_parts::conv(g, s, x, role::skip_proj, {.channels = s.output_channels, .stride = stride});
        return g.add(y, x, s.activation);
    }
};

}  // namespace llmnas
