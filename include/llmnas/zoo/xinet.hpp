// SPDX-License-Identifier: MIT
/// \file
/// XiNet: Ancilotto, Paissan, Farella, "XiNet: Efficient Neural Networks for tinyML", ICCV 2023; as released in the
/// repository micromind-toolkit/micromind.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/blocks/xiconv.hpp>
#include <llmnas/core/ratio.hpp>

namespace llmnas::zoo {

struct xinet_blocks {
    static constexpr auto types = boost::hana::tuple_t<conv_block, xiconv_block>;
};

/// What XiNet scales besides its depth: all channels by `alpha`, those between the convolutions of a block by 1 /
/// `gamma`, and the square input, in pixels. An illegal value is an error when the network is lowered.
struct xinet_options {
    ratio alpha{1, 1};
    std::int32_t gamma = 4;
    std::int32_t resolution = 160;
    std::int32_t classes = 100;
};

/// XiNet with num_layers = L: a stem 7x7 with stride 2, L - 2 stages of two XiConv blocks, of which the first halves
/// the map, and two XiConv blocks without pooling and attention. In the released code the last two have gamma 4
/// whatever the option says; here too. The paper's networks take input sizes that 2^(L - 1) divides; see
/// block_parts::shrink for others.
template <std::size_t L = 5>
    requires(L >= 3 && L <= 10)
[[nodiscard]] constexpr architecture<L, xi_stage, xinet_blocks> xinet(const xinet_options& o = {}) noexcept {
    constexpr block_type xiconv = index_of<xinet_blocks, xiconv_block>;
    const auto width = [&](std::size_t i) -> std::int32_t {  // int(2^(4 + i) * alpha)
        if (o.alpha.num < 1 || o.alpha.den < 1) return 0;
        const std::int64_t c = floor_mul(std::int32_t{16} << i, o.alpha);
        return static_cast<std::int32_t>(c > max_extent ? max_extent + 1 : c);
    };
    architecture<L, xi_stage, xinet_blocks> net{.input = {3, o.resolution, o.resolution}, .classes = o.classes};
    net.stages[0] = {.output_channels = width(0), .kernel_size = 7, .stride = 2};
    for (std::size_t s = 1; s + 1 < L; ++s)
        net.stages[s] = {
            .output_channels = width(s), .num_layers = 2, .stride = 2, .conv_type = xiconv, .compression = o.gamma};
    net.stages[L - 1] = {.output_channels = width(L - 1), .num_layers = 2, .conv_type = xiconv, .attention = false};
    return net;
}

inline constexpr auto xinet_l5 = xinet<5>();  ///< 87,475,200 MACs, 515,508 parameters
inline constexpr auto xinet_l6 = xinet<6>();  ///< 100,249,600 MACs, 1,993,140 parameters
inline constexpr auto xinet_l7 = xinet<7>();  ///< 97,200,128 MACs, 7,831,988 parameters

}  // namespace llmnas::zoo
