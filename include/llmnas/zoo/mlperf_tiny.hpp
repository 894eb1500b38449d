// SPDX-License-Identifier: MIT
/// \file
/// Reference networks of the MLPerf Tiny benchmark: Banbury et al., "MLPerf Tiny Benchmark", NeurIPS 2021; layers as in
/// the published int8 files of mlcommons/tiny.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/blocks/basic.hpp>
#include <llmnas/core/graph_builder.hpp>
#include <llmnas/zoo/mobilenet.hpp>

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

/// The same network as the published int8 files hold it: ReLU, SAME padding, batch norm folded into biases.
template <std::size_t N, class Blocks>
[[nodiscard]] constexpr architecture<N, conv_stage, Blocks> as_in_mlperf_tiny(
    architecture<N, conv_stage, Blocks> net) noexcept {
    for (conv_stage& s : net.stages) {
        s.activation = activation_kind::relu;
        s.pad = padding_kind::same;
        s.folded_norm = true;
    }
    return net;
}

struct resnet8_blocks {
    static constexpr auto types = boost::hana::tuple_t<conv_block, basic_block>;
};

/// Image classification on CIFAR-10: convolution 3x3 and three residual blocks. 12,501,632 MACs, 77,706 parameters with
/// batch norm folded.
inline constexpr architecture<4, conv_stage, resnet8_blocks> resnet8 =
    as_in_mlperf_tiny(architecture<4, conv_stage, resnet8_blocks>{
        .input = {3, 32, 32},
        .classes = 10,
        .stages = {{.output_channels = 16},
                   {.output_channels = 16, .conv_type = index_of<resnet8_blocks, basic_block>},
                   {.output_channels = 32, .stride = 2, .conv_type = index_of<resnet8_blocks, basic_block>},
                   {.output_channels = 64, .stride = 2, .conv_type = index_of<resnet8_blocks, basic_block>}}});

/// Visual Wake Words: MobileNetV1 of width 0.25 at 96 x 96. 7,489,664 MACs, 210,850 parameters with batch norm folded.
inline constexpr mobilenet_v1_design mobilenet_v1_025 =
    as_in_mlperf_tiny(mobilenet_v1({.width = {1, 4}, .resolution = 96, .classes = 2}));

}  // namespace llmnas::zoo
