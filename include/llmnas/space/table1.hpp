// SPDX-License-Identifier: MIT
/// \file
/// The paper's search space: El Zeinaty et al., IJCNN 2025, Table I. Five independent stages, input 3x160x160, 100
/// classes.
#pragma once

#include <cstddef>
#include <string_view>

#include <boost/hana/append.hpp>
#include <boost/hana/tuple.hpp>

#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// Table I as printed: 17,280 configurations a stage. SE blocks have the default ratio 1/4.
struct table1 {
    static constexpr std::string_view name = "table1";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 5;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 16, 24, 32, 48, 64, 96, 128, 160>{},
        axis<"num_layers", &stage::num_layers, 1, 2, 3, 4, 6>{}, axis<"kernel_size", &stage::kernel_size, 3, 5, 7>{},
        axis<"stride", &stage::stride, 1, 2>{}, axis<"expansion_factor", &stage::expansion_factor, 3, 4, 6>{},
        axis<"use_se", &stage::use_se, true, false>{},
        axis<"conv_type", &stage::conv_type, block_type::depthwise, block_type::mbconv>{},
        axis<"skip_op", &stage::skip_op, skip_kind::identity, skip_kind::residual>{},
        axis<"activation", &stage::activation, activation_kind::relu6, activation_kind::leaky_relu,
             activation_kind::swish>{});
};

/// Table I with the ratio of squeeze-and-excitation as an axis where a stage uses it: 25,920 configurations a stage.
/// The published networks choose it, so this is the default space of a search.
struct table1_se {
    static constexpr std::string_view name = "table1_se";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 5;
    static constexpr auto axes = boost::hana::append(
        table1::axes,
        axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 4}, ratio{1, 2}>, is<&stage::use_se, true>>{});
};

}  // namespace llmnas
