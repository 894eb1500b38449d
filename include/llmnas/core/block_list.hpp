// SPDX-License-Identifier: MIT
/// \file
/// Networks described block by block (kernel, expanded channels, stride and output channels each): the MCUNet family,
/// MobileNets and users' own.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/graph_builder.hpp>

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

/// Stem convolution 3x3 stride 2, N inverted bottlenecks, optional 1x1 head convolution, global average pooling and a
/// linear classifier. Padding is k/2 on each side, also at stride 2.
template <std::size_t N>
struct block_list {
    shape input{3, 160, 160};
    std::int32_t classes = 1000;
    std::int32_t stem_channels = 16;
    bottleneck blocks[N]{};
    std::int32_t head_channels = 0;  ///< 0: no head convolution
    activation_kind activation = activation_kind::relu6;
    friend constexpr bool operator==(const block_list&, const block_list&) = default;

    constexpr void lower(graph_builder& g) const noexcept {
        tensor x = g.conv(g.input(), role::stem,
                          {.out_channels = stem_channels,
                           .kernel_h = 3,
                           .kernel_w = 3,
                           .stride_h = 2,
                           .stride_w = 2,
                           .pad = half_padding(3),
                           .batch_norm = true,
                           .activation = activation});
        for (std::size_t s = 0; s < N && !g.error(); ++s) {
            g.begin_block(s, 0);
            const bottleneck& b = blocks[s];
            tensor y = x;
            if (b.expanded != x.shape.channels) y = g.pointwise(y, role::expand, b.expanded, activation);
            y = g.depthwise(y, b.kernel_size, b.stride, activation);
            y = g.pointwise(y, role::project, b.output_channels, activation_kind::none);
            x = b.residual ? g.add(y, x) : y;
        }
        g.end_blocks();
        if (head_channels != 0) x = g.pointwise(x, role::head_conv, head_channels, activation);
        g.linear(g.global_avg_pool(x), classes);
    }
};

}  // namespace llmnas
