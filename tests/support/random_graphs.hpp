// SPDX-License-Identifier: MIT
// Small random networks of every shape that lowers: blocks with and without expansion, squeeze-and-excitation and
// residuals, plain convolutions and pools, odd kernels, strides and paddings, joins and broadcasts.
#pragma once

#include <cstdint>

#include <llmnas/core/graph_builder.hpp>
#include <llmnas/core/random.hpp>

/// A network drawn from `seed`: lowering it twice gives the same operators.
struct random_graph {
    llmnas::shape input;
    std::uint64_t seed = 0;

    void lower(llmnas::graph_builder& g) const {
        using namespace llmnas;
        splitmix64 rng{seed};
        const auto between = [&](std::int32_t a, std::int32_t b) {
            return static_cast<std::int32_t>(rng.between(a, b));
        };
        const auto pointwise = [&](tensor x, std::int32_t channels) {
            return g.conv(x, role::main, {.out_channels = channels});
        };
        // A convolution, depthwise convolution or pool with a window that fits the map.
        const auto window = [&](tensor x, std::int32_t channels, bool keeps_shape) {
            const auto kernel = [&](std::int32_t size) {
                return keeps_shape ? 2 * between(0, 3) + 1 : between(1, size < 7 ? size : 7);
            };
            conv_attributes a{.out_channels = channels, .kernel_h = kernel(x.shape.height)};
            a.kernel_w = rng.below(3) == 0 ? kernel(x.shape.width) : a.kernel_h;
            if (!keeps_shape) a.stride_h = between(1, 3), a.stride_w = rng.below(3) == 0 ? between(1, 3) : a.stride_h;
            switch (keeps_shape ? 0 : rng.below(4)) {
                case 0:
                    a.pad = {a.kernel_h / 2, a.kernel_h / 2, a.kernel_w / 2, a.kernel_w / 2};
                    break;
                case 1:
                    a.pad = same_padding(x.shape, a.kernel_h, a.kernel_w, a.stride_h, a.stride_w);
                    break;
                case 2:
                    a.pad = {between(0, a.kernel_h - 1), between(0, a.kernel_h - 1), between(0, a.kernel_w - 1),
                             between(0, a.kernel_w - 1)};
                    break;
                default:
                    if (a.kernel_w > x.shape.width) a.kernel_w = x.shape.width;
                    break;
            }
            if (rng.below(8) == 0) return g.max_pool(x, a);
            if (rng.below(8) == 0) return g.avg_pool(x, a);
            if (rng.below(3) == 0) return g.conv(x, role::main, a);
            a.groups = a.out_channels = x.shape.channels;
            return g.conv(x, role::depthwise, a);
        };

        tensor x = g.input(), broadcast = x;
        const std::int32_t blocks = between(1, 7);
        for (std::int32_t b = 0; b < blocks && !g.error(); ++b) {
            if (rng.below(5) != 0) g.begin_block(static_cast<std::size_t>(b), 0);  // else a part of the block before
            const std::int32_t channels = between(1, 10);
            const tensor start = x;
            switch (rng.below(10)) {
                case 0:
                    x = pointwise(x, channels);
                    if (rng.below(3) == 0 && channels == start.shape.channels) x = g.add(x, start);
                    break;
                case 1:
                    x = window(x, channels, false);
                    break;
                case 2:  // in two rows of blocks, or read by nobody
                    x = g.concat({window(x, channels, true), pointwise(x, 2)});
                    if (rng.below(2) == 0) static_cast<void>(pointwise(x, 3));
                    break;
                case 3:
                    if (broadcast.shape == x.shape)
                        x = rng.below(2) == 0 ? g.add(x, broadcast) : g.multiply(x, broadcast);
                    else
                        broadcast = x;
                    break;
                default: {
                    const bool residual = rng.below(2) == 0;
                    if (rng.below(2) == 0) x = pointwise(x, channels + between(0, 8));
                    x = window(x, channels, residual && rng.below(8) != 0);
                    if (rng.below(3) == 0) x = g.squeeze_excite(x, between(1, 2 * x.shape.channels));
                    if (rng.below(4) != 0) x = pointwise(x, rng.below(2) == 0 ? start.shape.channels : channels);
                    if (!residual || x.shape.height != start.shape.height || x.shape.width != start.shape.width) break;
                    if (x.shape.channels == start.shape.channels)
                        x = rng.below(2) == 0 ? g.add(x, start) : g.add(start, x);
                    else
                        x = g.add(x, pointwise(start, x.shape.channels));
                    break;
                }
            }
        }
        g.end_blocks();
        if (rng.below(2) == 0) x = g.global_avg_pool(x);
        if (rng.below(3) != 0) g.linear(x, between(1, 5));
    }
};

/// The next network of a stream; it may be illegal.
[[nodiscard]] inline random_graph next_random_graph(llmnas::splitmix64& rng, std::int64_t extent) {
    const auto channels = static_cast<std::int32_t>(rng.between(1, 6));
    const auto height = static_cast<std::int32_t>(rng.between(1, extent));
    const auto width = static_cast<std::int32_t>(rng.between(1, extent));
    return {{channels, height, width}, rng()};
}
