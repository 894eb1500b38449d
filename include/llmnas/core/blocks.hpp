// SPDX-License-Identifier: MIT
/// \file
/// The paper's two block types. A block type is a struct with a name and a static constexpr lower() that appends the
/// operators of one block; it may also list the fields that are without effect on it (`inert_fields`), and how its size
/// depends on its fields (`size_rules`, core/size_rules.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/core/block_parts.hpp>
#include <llmnas/core/condition.hpp>
#include <llmnas/core/graph_builder.hpp>
#include <llmnas/core/size_rules.hpp>
#include <llmnas/core/stage.hpp>

namespace llmnas {

/// What the paper's blocks share: squeeze-and-excitation and the residual path.
namespace block_parts {

/// max(1, int(channels * se_ratio)) hidden channels, as in the published code; nothing where the stage uses no SE.
constexpr tensor squeeze_excite(graph_builder& g, const stage& s, tensor x) noexcept {
    if (!s.use_se) return x;
    if (s.se_ratio.den < 1 || s.se_ratio.num < 0) {
        const bool denominator = s.se_ratio.den < 1;
        g.fail(graph_errc::se_ratio, denominator ? s.se_ratio.den : s.se_ratio.num, denominator ? 1 : 0,
               role::se_reduce);
        return x;
    }
    const std::int64_t hidden = floor_mul(x.shape.channels, s.se_ratio);
    if (hidden > max_extent) {
        g.fail(graph_errc::channels, hidden, max_extent, role::se_reduce);
        return x;
    }
    return g.squeeze_excite(x, hidden < 1 ? 1 : static_cast<std::int32_t>(hidden));
}

/// Adds the block's input where the stage asks for it and the block keeps the resolution; through a projection
/// (1x1 convolution with batch norm) where the channels change.
[[gnu::always_inline]] constexpr tensor residual(graph_builder& g, const stage& s, std::size_t b, tensor x,
                                                 tensor y) noexcept {
    if (s.skip_op != skip_kind::residual || stride(s, b) != 1) return y;
    if (x.shape.channels != y.shape.channels)
        x = g.pointwise(x, role::skip_proj, y.shape.channels, activation_kind::none);
    return g.add(y, x);
}

/// Both block types: half padding keeps the maps of odd kernels, so that only then layers, kernels and strides order
/// the sizes (with an even kernel every block adds a row, and a residual sum is illegal).
inline constexpr auto size_rules =
    boost::hana::tuple_t<same_size<&stage::activation>, rises<&stage::num_layers, odd<&stage::kernel_size>>,
                         rises<&stage::kernel_size, odd<&stage::kernel_size>>,
                         falls<&stage::stride, odd<&stage::kernel_size>>, rises<&stage::expansion_factor>,
                         rises<&stage::use_se>, rises<&stage::se_ratio>, rises<&stage::skip_op>, blocks_repeat,
                         grows_with_map>;

}  // namespace block_parts

/// Depthwise-separable block: dw kxk - BN - act - [SE] - pw 1x1 - BN.
struct depthwise_block {
    static constexpr std::string_view name = "depthwise";
    static constexpr auto inert_fields =
        boost::hana::tuple_t<inert<&stage::expansion_factor>, inert<&stage::se_ratio, is<&stage::use_se, false>>,
                             inert<&stage::skip_op, is<&stage::num_layers, 1>, is<&stage::stride, 2>>>;
    static constexpr auto size_rules = block_parts::size_rules;

    static constexpr tensor lower(graph_builder& g, const stage& s, std::size_t b, tensor x) noexcept {
        tensor y = g.depthwise(x, s.kernel_size, block_parts::stride(s, b), s.activation);
        y = block_parts::squeeze_excite(g, s, y);
        y = g.pointwise(y, role::project, s.output_channels, activation_kind::none);
        return block_parts::residual(g, s, b, x, y);
    }
};

/// Inverted bottleneck (Sandler et al., "MobileNetV2", 2018): pw 1x1 to Cin * E - BN - act - dw kxk - BN - act -
/// [SE] - pw 1x1 - BN.
struct mbconv_block {
    static constexpr std::string_view name = "mbconv";
    static constexpr auto inert_fields =
        boost::hana::tuple_t<inert<&stage::se_ratio, is<&stage::use_se, false>>,
                             inert<&stage::skip_op, is<&stage::num_layers, 1>, is<&stage::stride, 2>>>;
    static constexpr auto size_rules = block_parts::size_rules;

    static constexpr tensor lower(graph_builder& g, const stage& s, std::size_t b, tensor x) noexcept {
        if (s.expansion_factor < 1 || s.expansion_factor > max_extent) {
            g.fail(graph_errc::expansion_factor, s.expansion_factor, max_extent, role::expand);
            return x;
        }
        tensor y = g.pointwise(x, role::expand, x.shape.channels * s.expansion_factor, s.activation);
        y = g.depthwise(y, s.kernel_size, block_parts::stride(s, b), s.activation);
        y = block_parts::squeeze_excite(g, s, y);
        y = g.pointwise(y, role::project, s.output_channels, activation_kind::none);
        return block_parts::residual(g, s, b, x, y);
    }
};

}  // namespace llmnas
