// SPDX-License-Identifier: MIT
/// \file
/// Reference networks of the MLPerf Tiny benchmark: Banbury et al., "MLPerf Tiny Benchmark", NeurIPS 2021; layers as in
/// the published int8 files of mlcommons/tiny.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/graph_builder.hpp>

namespace llmnas::zoo {

/// Keyword spotting: convolution 10x4 stride 2x2, four depthwise-separable blocks of 64 channels, average pooling,
/// linear. TensorFlow's SAME padding; batch norm is already folded into biases, as in the published file.
struct ds_cnn_design {
    shape input{1, 49, 10};
    std::int32_t classes = 12;
    std::int32_t channels = 64;
    std::int32_t blocks = 4;
    friend constexpr bool operator==(const ds_cnn_design&, const ds_cnn_design&) = default;

    constexpr void lower(graph_builder& g) const noexcept {
        const auto conv = [&](tensor x, role r, std::int32_t kernel_h, std::int32_t kernel_w, std::int32_t stride,
                              std::int32_t groups) {
            return g.conv(x, r,
                          {.out_channels = channels,
                           .kernel_h = kernel_h,
                           .kernel_w = kernel_w,
                           .stride_h = stride,
                           .stride_w = stride,
                           .pad = same_padding(x.shape, kernel_h, kernel_w, stride, stride),
                           .groups = groups,
                           .bias = true,
                           .activation = activation_kind::relu});
        };
        tensor x = conv(g.input(), role::stem, 10, 4, 2, 1);
        for (std::int32_t b = 0; b < blocks && !g.error(); ++b) {
            g.begin_block(static_cast<std::size_t>(b), 0);
            x = conv(x, role::depthwise, 3, 3, 1, channels);
            x = conv(x, role::project, 1, 1, 1, 1);
        }
        g.end_blocks();
        g.linear(g.global_avg_pool(x), classes);
    }
};

/// 2,656,768 MACs, 22,604 parameters with batch norm folded.
inline constexpr ds_cnn_design ds_cnn{};

}  // namespace llmnas::zoo
