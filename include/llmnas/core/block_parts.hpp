// SPDX-License-Identifier: MIT
/// \file
/// What block types are made of: strides by block, and convolutions with the padding and normalisation that a stage
/// asks for.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/graph_builder.hpp>

namespace llmnas {

/// Where the zeros around a map go: `half` is k/2 on each side, `same` TensorFlow's SAME. They differ only at strides
/// above 1 and with even kernels.
enum class padding_kind : std::uint8_t { half, same };

namespace block_parts {

/// Only the first block of a stage has the stage's stride.
template <class Stage>
[[nodiscard]] constexpr std::int32_t stride(const Stage& s, std::size_t block) noexcept {
    return block == 0 ? s.stride : 1;
}

/// A convolution with a square kernel.
struct square_conv {
    std::int32_t channels = 1;
    std::int32_t kernel = 1;
    std::int32_t stride = 1;
    std::int32_t groups = 1;
    activation_kind activation = activation_kind::none;
};

/// Appends a convolution with batch norm. A stage (or network) may have a member `pad`, a padding_kind, else padding is
/// half; and `folded_norm`, true where batch norm is folded into a bias as in published int8 files.
template <class Stage>
constexpr tensor conv(graph_builder& g, const Stage& s, tensor x, role r, const square_conv& c) noexcept {
    padding pad = half_padding(c.kernel);
    if constexpr (requires { s.pad; })
        if (s.pad == padding_kind::same) pad = same_padding(x.shape, c.kernel, c.kernel, c.stride, c.stride);
    bool folded = false;
    if constexpr (requires { s.folded_norm; }) folded = s.folded_norm;
    return g.conv(x, r,
                  {.out_channels = c.channels,
                   .kernel_h = c.kernel,
                   .kernel_w = c.kernel,
                   .stride_h = c.stride,
                   .stride_w = c.stride,
                   .pad = pad,
                   .groups = c.groups,
                   .batch_norm = !folded,
                   .bias = folded,
                   .activation = c.activation});
}

/// Appends a depthwise convolution.
template <class Stage>
constexpr tensor depthwise(graph_builder& g, const Stage& s, tensor x, std::int32_t kernel, std::int32_t stride,
                           activation_kind act) noexcept {
    return conv(g, s, x, role::depthwise, {x.shape.channels, kernel, stride, x.shape.channels, act});
}

}  // namespace block_parts
}  // namespace llmnas
