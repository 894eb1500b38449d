// SPDX-License-Identifier: MIT
/// \file
/// XiNet's block, with its broadcast tensor and attention, and a stage struct for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/core/blocks/convolution.hpp>

namespace llmnas {

/// A stage of XiConv blocks.
struct xi_stage {
    std::int32_t output_channels = 16;
    std::int32_t num_layers = 1;
    std::int32_t kernel_size = 3;
    std::int32_t stride = 1;  ///< of the first block; above 1 a maximum over stride x stride pixels
    block_type conv_type{};
    activation_kind activation = activation_kind::swish;
    std::int32_t compression = 4;  ///< gamma: channels between the two convolutions are output_channels / compression
    bool attention = true;
    friend constexpr bool operator==(const xi_stage&, const xi_stage&) = default;
};

namespace block_parts {

/// Mean of a map down to height x width by one window of equal size everywhere. It equals adaptive average pooling
/// where the sizes divide; elsewhere adaptive pooling has windows of several sizes, which no operator has.
constexpr tensor shrink(graph_builder& g, tensor x, std::int32_t height, std::int32_t width) noexcept {
    if (x.shape.height == height && x.shape.width == width) return x;
    if (x.shape.height < height || x.shape.width < width) {
        g.fail(graph_errc::shapes_differ, x.shape.height, height, role::pool);
        return x;
    }
    const std::int32_t stride_h = x.shape.height / height, stride_w = x.shape.width / width;
    return g.avg_pool(x, {.kernel_h = x.shape.height - (height - 1) * stride_h,
                          .kernel_w = x.shape.width - (width - 1) * stride_w,
                          .stride_h = stride_h,
                          .stride_w = stride_w});
}

}  // namespace block_parts

/// XiConv (Ancilotto, Paissan, Farella, "XiNet: Efficient Neural Networks for tinyML", ICCV 2023; as released in
/// micromind-toolkit/micromind): pw 1x1 to C / gamma, plus the broadcast tensor through average pooling and a 1x1
/// convolution; maximum pooling where the stride is above 1; conv kxk to C - BN - act; attention: 1x1 to C / gamma / 2,
/// conv 3x3 to C, sigmoid, product with the map. Only the convolution kxk has batch norm, none has a bias.
///
/// The first XiConv of a network publishes its output, the broadcast tensor, and all later ones read it: what a block
/// lowers to depends on the blocks before it (`reads_earlier_blocks`).
///
/// Stage fields: output_channels, kernel_size, stride, activation; optional `compression` (else 4) and `attention`
/// (else true).
struct xiconv_block {
    static constexpr std::string_view name = "xiconv";
    static constexpr bool reads_earlier_blocks = true;
    static constexpr auto inert_fields = conv_block::inert_fields;

    template <class Stage>
    static constexpr tensor lower(graph_builder& g, const Stage& s, std::size_t b, tensor x) noexcept {
        std::int32_t gamma = 4;
        bool attention = true;
        if constexpr (requires { s.compression; }) gamma = s.compression;
        if constexpr (requires { s.attention; }) attention = s.attention;
        if (gamma < 1 || gamma > max_extent) {
            g.fail(graph_errc::compression, gamma, max_extent);
            return x;
        }
        const std::int32_t narrow = s.output_channels / gamma;
        tensor y = gamma > 1 ? g.conv(x, role::main, {.out_channels = narrow}) : x;
        const bool first = !g.has_published();
        if (!first && !g.error()) {
            const tensor broadcast = block_parts::shrink(g, g.published(), x.shape.height, x.shape.width);
            y = g.add(y, g.conv(broadcast, role::skip_proj, {.out_channels = narrow}));
        }
        if (const std::int32_t stride = block_parts::stride(s, b); stride != 1)
            y = g.max_pool(y, {.kernel_h = stride, .kernel_w = stride, .stride_h = stride, .stride_w = stride});
        y = block_parts::conv(g, s, y, role::main,
                              {.channels = s.output_channels, .kernel = s.kernel_size, .activation = s.activation});
        if (attention) {
            const tensor reduced = g.conv(y, role::main, {.out_channels = narrow / 2});
            y = g.multiply(y, g.conv(reduced, role::main,
                                     {.out_channels = s.output_channels,
                                      .kernel_h = 3,
                                      .kernel_w = 3,
                                      .pad = half_padding(3),
                                      .activation = activation_kind::sigmoid}));
        }
        if (first) g.publish(y);
        return y;
    }
};

}  // namespace llmnas
