// SPDX-License-Identifier: MIT
/// \file
/// The paper's stage: a run of equal blocks, described by ten fields (El Zeinaty et al., IJCNN 2025, Table I).
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/core/operators.hpp>
#include <llmnas/core/ratio.hpp>

namespace llmnas {

/// Position in a list of block types. The named constants are those of the paper's list (core/block_types.hpp).
struct block_type {
    std::uint8_t index = 0;
    friend constexpr bool operator==(const block_type&, const block_type&) = default;

    static const block_type depthwise;
    static const block_type mbconv;
};
inline constexpr block_type block_type::depthwise{0};
inline constexpr block_type block_type::mbconv{1};

/// What is done with a block's input behind it. `identity` is the published name for no skip connection at all.
enum class skip_kind : std::uint8_t { identity, residual };

[[nodiscard]] constexpr std::string_view name_of(skip_kind s) noexcept {
    return s == skip_kind::identity ? "identity" : "residual";
}

/// One stage: `num_layers` blocks, of which the first has the stage's stride and changes the channels.
/// A structural type: designs made of stages are template arguments.
struct stage {
    std::int32_t output_channels = 16;
    std::int32_t num_layers = 1;
    std::int32_t kernel_size = 3;
    std::int32_t stride = 1;
    std::int32_t expansion_factor = 3;  ///< of mbconv blocks only
    bool use_se = false;                ///< squeeze-and-excitation behind the depthwise convolution
    ratio se_ratio{1, 4};               ///< hidden channels of SE by channels at that point; without effect if !use_se
    block_type conv_type = block_type::mbconv;
    skip_kind skip_op = skip_kind::identity;
    activation_kind activation = activation_kind::relu6;
    friend constexpr bool operator==(const stage&, const stage&) = default;
};

}  // namespace llmnas
