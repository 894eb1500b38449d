// SPDX-License-Identifier: MIT
/// \file
/// MobileNets of any width and resolution, and the instances that the command line knows.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/block_list.hpp>
#include <llmnas/core/blocks/convolution.hpp>
#include <llmnas/core/ratio.hpp>

namespace llmnas::zoo {

/// What the MobileNet papers scale: all channels by `width` (0.35 is {35, 100}), and the square input, in pixels. A
/// width that is not positive, or too large, ends as an illegal number of channels when the network is lowered.
struct mobilenet_options {
    ratio width{1, 1};
    std::int32_t resolution = 224;
    std::int32_t classes = 1000;
};

/// MobileNetV1's rule: floor(channels * width), at least 8 (min_depth in tensorflow/models, slim/nets/mobilenet_v1.py).
[[nodiscard]] constexpr std::int32_t floor_channels(std::int32_t channels, ratio width) noexcept {
    if (width.num < 1 || width.den < 1) return 0;
    const std::int64_t c = floor_mul(channels, width);
    return static_cast<std::int32_t>(c < 8 ? 8 : c > max_extent ? max_extent + 1 : c);
}

/// MobileNetV2's rule: the nearest multiple of 8, at least 8, and one step more where that would take off more than a
/// tenth (_make_divisible in tensorflow/models, slim/nets/mobilenet/mobilenet.py).
[[nodiscard]] constexpr std::int32_t round_channels(std::int32_t channels, ratio width) noexcept {
    if (width.num < 1 || width.den < 1) return 0;
    const std::int64_t scaled = std::int64_t{channels} * width.num;  // times den
    std::int64_t c = (scaled + std::int64_t{4} * width.den) / (std::int64_t{8} * width.den) * 8;
    if (c < 8) c = 8;
    if (c > max_extent) return max_extent + 1;
    if (10 * c * width.den < 9 * scaled) c += 8;
    return static_cast<std::int32_t>(c);
}

struct mobilenet_v1_blocks {
    static constexpr auto types = boost::hana::tuple_t<conv_block, separable_block>;
};
using mobilenet_v1_design = architecture<6, conv_stage, mobilenet_v1_blocks>;

/// MobileNetV1: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
/// arXiv 1704.04861, Table 1; ReLU6 and SAME padding as in tensorflow/models. Published for width 1 at 224 x 224:
/// 569 M multiply-adds, 4.2 M parameters.
[[nodiscard]] constexpr mobilenet_v1_design mobilenet_v1(const mobilenet_options& o = {}) noexcept {
    constexpr block_type separable = index_of<mobilenet_v1_blocks, separable_block>;
    mobilenet_v1_design net{
        .input = {3, o.resolution, o.resolution},
        .classes = o.classes,
        .stages = {{.output_channels = 32, .stride = 2},
                   {.output_channels = 64, .conv_type = separable},
                   {.output_channels = 128, .num_layers = 2, .stride = 2, .conv_type = separable},
                   {.output_channels = 256, .num_layers = 2, .stride = 2, .conv_type = separable},
                   {.output_channels = 512, .num_layers = 6, .stride = 2, .conv_type = separable},
                   {.output_channels = 1024, .num_layers = 2, .stride = 2, .conv_type = separable}}};
    for (conv_stage& s : net.stages) {
        s.output_channels = floor_channels(s.output_channels, o.width);
        s.activation = activation_kind::relu6;
        s.pad = padding_kind::same;
    }
    return net;
}

/// MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, Table 2. The last
/// convolution does not get narrower than 1280. Padding is half, as in PyTorch's ports; SAME, as in the authors' code,
/// gives the same maps and costs. Published for width 1 at 224 x 224: 300 M multiply-adds, 3.4 M parameters.
[[nodiscard]] constexpr block_list<17> mobilenet_v2(const mobilenet_options& o = {}) noexcept {
    struct row {
        std::int32_t expansion, channels, repeats, stride;
    };
    constexpr row table[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    const bool narrow = o.width.num < o.width.den;
    block_list<17> net{.input = {3, o.resolution, o.resolution},
                       .classes = o.classes,
                       .stem_channels = round_channels(32, o.width),
                       .head_channels = round_channels(1280, narrow ? ratio{1, 1} : o.width)};
    std::int32_t in = net.stem_channels;
    std::size_t n = 0;
    for (const row& r : table)
        for (std::int32_t i = 0; i < r.repeats; ++i) {
            const std::int32_t out = round_channels(r.channels, o.width);
            net.blocks[n++] = {in * r.expansion, 3, i == 0 ? r.stride : 1, out, i > 0};
            in = out;
        }
    return net;
}

inline constexpr auto mobilenet_v1_100_224 = mobilenet_v1();
inline constexpr auto mobilenet_v2_100_224 = mobilenet_v2();
inline constexpr auto mobilenet_v2_035_144 = mobilenet_v2({.width = {35, 100}, .resolution = 144});

}  // namespace llmnas::zoo
