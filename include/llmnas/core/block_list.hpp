// SPDX-License-Identifier: MIT
/// \file
/// Networks described block by block (kernel, expanded channels, stride and output channels each): the MCUNet family,
/// MobileNets and users' own.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/block_parts.hpp>

namespace llmnas {

/// One inverted bottleneck. `expanded` equal to the input channels means no expansion convolution.
struct bottleneck {
    std::int32_t expanded = 16;
    std::int32_t kernel_size = 3;
    std::int32_t stride = 1;
    std::int32_t output_channels = 16;
    bool residual = false;  ///< identity around the block; needs stride 1 and equal channels
    friend constexpr bool operator==(const bottleneck&, const bottleneck&) = default;
};

/// Stem convolution 3x3 stride 2, N inverted bottlenecks (Sandler et al., "MobileNetV2", 2018), optional 1x1 head
/// convolution, global average pooling and a linear classifier.
template <std::size_t N>
struct block_list {
    shape input{3, 160, 160};
    std::int32_t classes = 1000;
    std::int32_t stem_channels = 16;
    bottleneck blocks[N]{};
    std::int32_t head_channels = 0;  ///< 0: no head convolution
    activation_kind activation = activation_kind::relu6;
    padding_kind pad = padding_kind::half;
    friend constexpr bool operator==(const block_list&, const block_list&) = default;

    constexpr void lower(graph_builder& g) const noexcept {
        tensor x = block_parts::conv(g, *this, g.input(), role::stem,
                                     {.channels = stem_channels, .kernel = 3, .stride = 2, .activation = activation});
        for (std::size_t s = 0; s < N && !g.error(); ++s) {
            g.begin_block(s, 0);
            const bottleneck& b = blocks[s];
            tensor y = x;
            if (b.expanded != x.shape.channels) y = g.pointwise(y, role::expand, b.expanded, activation);
            y = block_parts::depthwise(g, *this, y, b.kernel_size, b.stride, activation);
            y = g.pointwise(y, role::project, b.output_channels, activation_kind::none);
            x = b.residual ? g.add(y, x) : y;
        }
        g.end_blocks();
        if (head_channels != 0) x = g.pointwise(x, role::head_conv, head_channels, activation);
        g.linear(g.global_avg_pool(x), classes);
    }
};

}  // namespace llmnas
