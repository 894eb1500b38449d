// SPDX-License-Identifier: MIT
/// \file
/// Plain convolutions as block types, the separable block of MobileNetV1, and a stage struct that serves both. All of
/// them take any stage with the fields that they name: the paper's `stage` too, so that one list may hold them beside
/// the paper's block types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/core/block_parts.hpp>
#include <llmnas/core/condition.hpp>
#include <llmnas/core/stage.hpp>

namespace llmnas {

/// A stage of convolutional blocks.
struct conv_stage {
    std::int32_t output_channels = 16;
    std::int32_t num_layers = 1;
    std::int32_t kernel_size = 3;
    std::int32_t stride = 1;  ///< of the first block
    block_type conv_type{};
    activation_kind activation = activation_kind::relu;
    padding_kind pad = padding_kind::half;
    bool folded_norm = false;  ///< a bias in place of batch norm, as in files for inference
    friend constexpr bool operator==(const conv_stage&, const conv_stage&) = default;
};

/// Full convolution kxk - BN - act: a stem with stride 2, or a layer anywhere.
/// Stage fields: output_channels, kernel_size, stride, activation.
struct conv_block {
    static constexpr std::string_view name = "conv";
    static constexpr auto inert_fields = boost::hana::tuple_t<inert<&stage::expansion_factor>, inert<&stage::use_se>,
                                                              inert<&stage::se_ratio>, inert<&stage::skip_op>>;

    template <class Stage>
    static constexpr tensor lower(graph_builder& g, const Stage& s, std::size_t b, tensor x) noexcept {
        return block_parts::conv(g, s, x, role::main,
                                 {.channels = s.output_channels,
                                  .kernel = s.kernel_size,
                                  .stride = block_parts::stride(s, b),
                                  .activation = s.activation});
    }
};

/// 1x1 convolution - BN - act: a layer that mixes channels, or the head convolution behind all stages.
/// Stage fields: output_channels, stride, activation.
struct pointwise_block {
    static constexpr std::string_view name = "pointwise";
    static constexpr auto inert_fields =
        boost::hana::tuple_t<inert<&stage::kernel_size>, inert<&stage::expansion_factor>, inert<&stage::use_se>,
                             inert<&stage::se_ratio>, inert<&stage::skip_op>, inert<&conv_stage::kernel_size>>;

    template <class Stage>
    static constexpr tensor lower(graph_builder& g, const Stage& s, std::size_t b, tensor x) noexcept {
        return block_parts::conv(
            g, s, x, role::main,
            {.channels = s.output_channels, .stride = block_parts::stride(s, b), .activation = s.activation});
    }
};

/// MobileNetV1's block: dw kxk - BN - act - pw 1x1 - BN - act (Howard et al., "MobileNets", 2017). The paper's
/// `depthwise_block` has no activation behind the pointwise convolution.
/// Stage fields: output_channels, kernel_size, stride, activation.
struct separable_block {
    static constexpr std::string_view name = "separable";
    static constexpr auto inert_fields = conv_block::inert_fields;

    template <class Stage>
    static constexpr tensor lower(graph_builder& g, const Stage& s, std::size_t b, tensor x) noexcept {
        const tensor y = block_parts::depthwise(g, s, x, s.kernel_size, block_parts::stride(s, b), s.activation);
        return block_parts::conv(g, s, y, role::project, {.channels = s.output_channels, .activation = s.activation});
    }
};

}  // namespace llmnas
