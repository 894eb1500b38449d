// SPDX-License-Identifier: MIT
/// \file
/// Kernel, stride, padding and groups of convolutions and pooling, and the extents that follow from them.
#pragma once

#include <cstdint>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// What a convolution needs besides its input; linear layers and pooling use the part that applies.
struct conv_attributes {
    std::int32_t out_channels = 1;
    std::int32_t kernel_h = 1;
    std::int32_t kernel_w = 1;
    std::int32_t stride_h = 1;
    std::int32_t stride_w = 1;
    padding pad{};
    std::int32_t groups = 1;
    bool batch_norm = false;
    bool bias = false;
    activation_kind activation = activation_kind::none;
};

/// k/2 zeros on each side of a square kernel: the padding of the paper's networks.
[[nodiscard]] constexpr padding half_padding(std::int32_t kernel) noexcept {
    return {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
}

/// TensorFlow's SAME padding: the output has ceil(size / stride) positions; an odd zero goes to the bottom and right.
/// None for kernels and strides that no operator may have.
[[nodiscard]] constexpr padding same_padding(const shape& in, std::int32_t kernel_h, std::int32_t kernel_w,
                                             std::int32_t stride_h, std::int32_t stride_w) noexcept {
    constexpr auto total = [](std::int32_t size, std::int32_t kernel, std::int32_t stride) {
        if (kernel < 1 || kernel > max_kernel || stride < 1 || stride > max_kernel) return 0;
        const std::int32_t positions = (size + stride - 1) / stride;
        const std::int32_t needed = (positions - 1) * stride + kernel - size;
        return needed > 0 ? needed : 0;
    };
    const std::int32_t v = total(in.height, kernel_h, stride_h);
    const std::int32_t h = total(in.width, kernel_w, stride_w);
    return {v / 2, v - v / 2, h / 2, h - h / 2};
}

namespace detail {

/// A window along one extent of a map: legal limits, and not larger than the padded map.
[[nodiscard]] constexpr bool window_is_legal(std::int32_t size, std::int32_t kernel, std::int32_t stride,
                                             std::int32_t before, std::int32_t after) noexcept {
    return kernel >= 1 && kernel <= max_kernel && stride >= 1 && stride <= max_kernel && before >= 0 &&
           before < kernel && after >= 0 && after < kernel && kernel <= size + before + after;
}

/// Positions of a legal window.
[[nodiscard]] constexpr std::int32_t window_positions(std::int32_t padded, std::int32_t kernel,
                                                      std::int32_t stride) noexcept {
    const std::int32_t steps = padded - kernel;
    return 1 + (stride == 1 ? steps : stride == 2 ? steps >> 1 : steps / stride);  // divisions are slow
}

}  // namespace detail
}  // namespace llmnas
