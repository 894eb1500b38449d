// SPDX-License-Identifier: MIT
/// \file
/// The operators that every network lowers to. Everything behind the lowering (cost, memory models, module builder,
/// quantiser, engine) works on these alone, so that a new block type is one struct and nothing else.
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/core/shape.hpp>

namespace llmnas {

enum class op_kind : std::uint8_t {
    conv,             ///< 2-D convolution; depthwise where groups equals the input channels
    linear,           ///< fully connected, on the flattened input
    add,              ///< element-wise sum of inputs of one shape
    scale,            ///< product of a map (input 0) with gates (input 1): C x 1 x 1, or of the map's own shape
    global_avg_pool,  ///< mean over height and width
    avg_pool,         ///< windowed mean; padding is not counted in the mean
    max_pool,         ///< windowed maximum
    concat,           ///< concatenation over channels
};

/// Activation fused behind an operator. `leaky_relu` has slope 0.01, `swish` is SiLU.
enum class activation_kind : std::uint8_t { none, relu, relu6, leaky_relu, swish, sigmoid };

/// The part an operator plays in its block; parameter names of the weights and block boundaries come from it.
enum class role : std::uint8_t {
    main,        ///< convolution or linear of a block's main path with no more specific role
    stem,        ///< first convolution before all blocks
    expand,      ///< pointwise expansion
    depthwise,   ///< depthwise convolution
    project,     ///< linear pointwise projection
    se_pool,     ///< squeeze-and-excitation: mean over the map
    se_reduce,   ///< squeeze-and-excitation: first 1x1 convolution
    se_expand,   ///< squeeze-and-excitation: second 1x1 convolution, gives the gates
    se_scale,    ///< squeeze-and-excitation: product with the gates
    skip_proj,   ///< projection on the residual path
    skip_add,    ///< residual sum
    pool,        ///< pooling inside the network
    head_conv,   ///< convolution behind all blocks
    head_pool,   ///< global pooling before the classifier
    classifier,  ///< last linear layer
    join,        ///< concatenation or sum of parallel paths
};

/// Where an operator comes from. `slot` counts convolution, batch norm, activation and squeeze-and-excitation of the
/// block's main path in order: the index in the published parameter names `layers.S.layers.B.conv.{slot}`.
struct origin {
    static constexpr std::int16_t outside = -1;  ///< stage of operators before the first or behind the last stage

    std::int16_t stage = outside;
    std::int16_t block = 0;
    llmnas::role role = llmnas::role::main;
    std::uint8_t slot = 0;
    friend constexpr bool operator==(const origin&, const origin&) = default;
};

struct padding {
    std::int32_t top = 0;
    std::int32_t bottom = 0;
    std::int32_t left = 0;
    std::int32_t right = 0;
    friend constexpr bool operator==(const padding&, const padding&) = default;
};

/// One operator. The tensor that it writes has the index of the operator plus one; tensor 0 is the network's input.
struct op {
    op_kind kind = op_kind::conv;
    activation_kind activation = activation_kind::none;
    bool batch_norm = false;
    bool bias = false;
    origin from;
    shape in;  ///< shape of the first input
    shape out;
    std::int32_t kernel_h = 1;
    std::int32_t kernel_w = 1;
    std::int32_t stride_h = 1;
    std::int32_t stride_w = 1;
    padding pad;
    std::int32_t groups = 1;
    std::int32_t first_input = 0;  ///< position of the first input in graph_view::inputs
    std::int32_t input_count = 1;
    std::int32_t last_use = 0;  ///< index of the last operator that reads the output (itself where none does)
    friend constexpr bool operator==(const op&, const op&) = default;

    [[nodiscard]] constexpr bool has_weights() const noexcept {
        return kind == op_kind::conv || kind == op_kind::linear;
    }
    [[nodiscard]] constexpr bool is_depthwise() const noexcept {
        return groups > 1 && groups == in.channels && kind == op_kind::conv;
    }
    [[nodiscard]] constexpr bool is_pointwise() const noexcept {
        return kernel_h == 1 && kernel_w == 1 && groups == 1 && kind == op_kind::conv;
    }
    /// Pointwise with stride 1: output pixel t needs input pixel t alone.
    [[nodiscard]] constexpr bool is_plain_pointwise() const noexcept {
        return is_pointwise() && stride_h == 1 && stride_w == 1;
    }
};

/// Names as they appear in JSON, tables and messages.
[[nodiscard]] constexpr std::string_view name_of(op_kind k) noexcept {
    constexpr std::string_view names[] = {"conv",     "linear",   "add",   "scale", "global_avg_pool",
                                          "avg_pool", "max_pool", "concat"};
    return names[static_cast<std::size_t>(k)];
}

[[nodiscard]] constexpr std::string_view name_of(activation_kind a) noexcept {
    constexpr std::string_view names[] = {"none", "relu", "relu6", "leakyrelu", "swish", "sigmoid"};
    return names[static_cast<std::size_t>(a)];
}

[[nodiscard]] constexpr std::string_view name_of(role r) noexcept {
    constexpr std::string_view names[] = {"main",      "stem",      "expand",     "depthwise", "project",  "se_pool",
                                          "se_reduce", "se_expand", "se_scale",   "res_proj",  "skip_add", "pool",
                                          "head_conv", "head_pool", "classifier", "join"};
    return names[static_cast<std::size_t>(r)];
}

}  // namespace llmnas
