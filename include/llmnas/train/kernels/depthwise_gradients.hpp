// SPDX-License-Identifier: MIT
/// \file
/// Gradients of a depthwise convolution on maps that are laid out by channels (N x H x W x C). No torch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <llmnas/train/kernels/float_vectors.hpp>

namespace llmnas::detail {

/// A depthwise convolution with a square kernel, one filter a channel, no bias.
struct depthwise_shape {
    std::int64_t images = 0, channels = 0;
    std::int64_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
    std::int64_t kernel = 0, stride = 0;
    std::int64_t pad_top = 0, pad_left = 0;
};

/// Both gradients, block by block of most_lanes channels: the block's planes of one image are copied into a frame of
/// zeros, where no loop has to look for borders, and stay in cache for both gradients.
class depthwise_gradients {
public:
    static constexpr std::int64_t lanes = most_lanes;

    /// Whether there are kernels for it. Those of 3 x 3 would be slower than libtorch's, and below 8 channels most of
    /// each vector would be empty.
    [[nodiscard]] static bool serves(const depthwise_shape& s) noexcept {
        return (s.kernel == 5 || s.kernel == 7) && (s.stride == 1 || s.stride == 2) && s.channels >= 8 &&
               s.pad_top >= 0 && s.pad_top < s.kernel && s.pad_left >= 0 && s.pad_left < s.kernel;
    }

    /// `weight`: channels x kernel x kernel. `input_gradient` may be null. All must outlive the object.
    depthwise_gradients(const depthwise_shape& s, const float* input, const float* weight, const float* gradient,
                        float* input_gradient)
        : s_(s),
          input_(input),
          gradient_(gradient),
          input_gradient_(input_gradient),
          blocks_((s.channels + lanes - 1) / lanes),
          shares_(std::min(s.images, (least_tasks + blocks_ - 1) / blocks_)),
          filter_(static_cast<std::size_t>(blocks_ * s.kernel * s.kernel * lanes)),
          partial_(static_cast<std::size_t>(tasks() * s.kernel * s.kernel * lanes)) {
        const std::int64_t taps = s.kernel * s.kernel;
        for (std::int64_t c = 0; c < s.channels; ++c)
            for (std::int64_t tap = 0; tap < taps; ++tap)
                filter_[static_cast<std::size_t>(((c / lanes) * taps + tap) * lanes + c % lanes)] =
                    weight[c * taps + tap];
    }

    /// Independent pieces of work, the same for any number of threads.
    [[nodiscard]] std::int64_t tasks() const noexcept { return blocks_ * shares_; }

    /// Threads may run different tasks at the same time.
    void run(std::int64_t task) {
        switch (s_.kernel * 10 + s_.stride) {
            case 51:
                return run_as<5, 1>(task);
            case 52:
                return run_as<5, 2>(task);
            case 71:
                return run_as<7, 1>(task);
            default:
                return run_as<7, 2>(task);
        }
    }

    /// Behind all tasks: channels x kernel x kernel.
    void write_weight_gradient(float* out) const {
        const std::int64_t taps = s_.kernel * s_.kernel;
        for (std::int64_t c = 0; c < s_.channels; ++c)
            for (std::int64_t tap = 0; tap < taps; ++tap) {
                double sum = 0;
                for (std::int64_t share = 0; share < shares_; ++share)
                    sum += static_cast<double>(partial_[static_cast<std::size_t>(
                        ((c / lanes * shares_ + share) * taps + tap) * lanes + c % lanes)]);
                out[c * taps + tap] = static_cast<float>(sum);
            }
    }

private:
    static constexpr std::int64_t least_tasks = 64;

    /// Planes of one block with room around them, filled with zeros.
    struct frame {
        std::int64_t top = 0, left = 0, height = 0, width = 0;
        std::vector<float> values;

        frame(std::int64_t top_, std::int64_t left_, std::int64_t height_, std::int64_t width_)
            : top(top_),
              left(left_),
              height(height_),
              width(width_),
              values(static_cast<std::size_t>(height_ * width_ * lanes)) {}

        /// Copies `channels` (1 .. lanes) planes of h x w pixels in; `stride` floats lie between pixels.
        void fill(const float* from, std::int64_t h, std::int64_t w, std::int64_t stride, std::int64_t channels) {
            for (std::int64_t y = 0; y < h; ++y)
                for (std::int64_t x = 0; x < w; ++x) {
                    float* to = values.data() + ((y + top) * width + x + left) * lanes;
                    const float* pixel = from + (y * w + x) * stride;
                    if (channels == lanes)  // of known size: no call
                        std::memcpy(to, pixel, lanes * sizeof(float));
                    else
                        std::copy_n(pixel, channels, to);
                }
        }
        [[nodiscard]] const float* at(std::int64_t y, std::int64_t x) const {
            return values.data() + ((y + top) * width + x + left) * lanes;
        }
    };

    template <int Kernel, int Stride>
    void run_as(std::int64_t task) {
        const std::int64_t block = task / shares_;
        const std::int64_t share = task % shares_;
        const std::int64_t first = s_.images * share / shares_;
        const std::int64_t end = s_.images * (share + 1) / shares_;
        const std::int64_t channel = block * lanes;
        const std::int64_t channels = std::min(lanes, s_.channels - channel);
        constexpr std::int64_t taps = Kernel * Kernel;
        const float* filter = filter_.data() + block * taps * lanes;
        float* sums = partial_.data() + task * taps * lanes;
        // The reach of the filter around the output's maps, and of the outputs' windows around the input's.
        frame gradient(Kernel, Kernel, s_.out_h + 2 * Kernel, s_.out_w + 2 * Kernel + 8);
        frame input(s_.pad_top, s_.pad_left, (s_.out_h - 1) * Stride + Kernel + s_.pad_top,
                    (s_.out_w - 1) * Stride + Kernel + s_.pad_left);
        input.height = std::max(input.height, s_.in_h + s_.pad_top);
        input.width = std::max(input.width, s_.in_w + s_.pad_left);
        input.values.resize(static_cast<std::size_t>(input.height * input.width * lanes));
        for (std::int64_t n = first; n < end; ++n) {
            gradient.fill(gradient_ + n * s_.out_h * s_.out_w * s_.channels + channel, s_.out_h, s_.out_w, s_.channels,
                          channels);
            input.fill(input_ + n * s_.in_h * s_.in_w * s_.channels + channel, s_.in_h, s_.in_w, s_.channels, channels);
            add_weight_gradient<Kernel, Stride>(gradient, input, sums);
            if (input_gradient_ != nullptr)
                write_input_gradient<Kernel, Stride>(
                    gradient, filter, input_gradient_ + n * s_.in_h * s_.in_w * s_.channels + channel, channels);
        }
    }

    /// sums[ky][kx] += gradient[y][x] * input[y * stride + ky][x * stride + kx] over all y, x.
    template <int Kernel, int Stride>
    void add_weight_gradient(const frame& gradient, const frame& input, float* sums) const {
        const std::int64_t out_h = s_.out_h;
        const std::int64_t out_w = s_.out_w;
        const float* g = gradient.at(0, 0);
        const float* x = input.values.data();
        const std::int64_t g_row = gradient.width * lanes;
        const std::int64_t x_row = input.width * lanes;
        on_float_vectors([=]<int Lanes>() __attribute__((always_inline)) {
            using V = typename float_lanes<Lanes>::type;
            // Two pixels at a time: with one, a sum would wait for its predecessor.
            for (std::int64_t part = 0; part < lanes; part += Lanes)
                for (std::int64_t ky = 0; ky < Kernel; ++ky) {
                    V even[Kernel] = {};
                    V odd[Kernel] = {};
                    for (std::int64_t y = 0; y < out_h; ++y) {
                        const float* from = g + y * g_row + part;
                        const float* window = x + (y * Stride + ky) * x_row + part;
                        // One pixel more than there are is in the frame, and 0.
                        for (std::int64_t i = 0; i + 1 < out_w; i += 2) {
                            V a, b, v;
                            load(a, from + i * lanes);
                            load(b, from + (i + 1) * lanes);
                            const float* at = window + i * Stride * lanes;
#pragma GCC unroll 7
                            for (int kx = 0; kx < Kernel; ++kx) {
                                load(v, at + kx * lanes);
                                even[kx] += a * v;
                                load(v, at + (kx + Stride) * lanes);
                                odd[kx] += b * v;
                            }
                        }
                        if (out_w % 2 != 0) {
                            V a, v;
                            load(a, from + (out_w - 1) * lanes);
                            const float* at = window + (out_w - 1) * Stride * lanes;
#pragma GCC unroll 7
                            for (int kx = 0; kx < Kernel; ++kx) {
                                load(v, at + kx * lanes);
                                even[kx] += a * v;
                            }
                        }
                    }
#pragma GCC unroll 7
                    for (int kx = 0; kx < Kernel; ++kx) {
                        float* to = sums + (ky * Kernel + kx) * lanes + part;
                        V sum;
                        load(sum, to);
                        sum += even[kx] + odd[kx];
                        store(to, sum);
                    }
                }
        });
    }

    /// out[y][x] = sum of gradient[(y + pad - ky) / stride][(x + pad - kx) / stride] * filter[ky][kx] over the ky and
    /// kx for which the divisions leave nothing.
    template <int Kernel, int Stride>
    void write_input_gradient(const frame& gradient, const float* filter, float* out, std::int64_t channels) const {
        const depthwise_shape s = s_;
        const float* g = gradient.at(0, 0);
        const std::int64_t g_row = gradient.width * lanes;
        on_float_vectors([=]<int Lanes>() __attribute__((always_inline)) {
            using V = typename float_lanes<Lanes>::type;
            constexpr int Tile = 8;
            for (std::int64_t y = 0; y < s.in_h; ++y)
                for (std::int64_t phase = 0; phase < Stride && phase < s.in_w; ++phase) {
                    const std::int64_t ky_first = (y + s.pad_top) % Stride;
                    const std::int64_t kx_first = (phase + s.pad_left) % Stride;
                    const std::int64_t count = (s.in_w - phase + Stride - 1) / Stride;  // pixels of this phase
                    const std::int64_t ox_first = (phase + s.pad_left - kx_first) / Stride;
                    for (std::int64_t begin = 0; begin < count; begin += Tile) {
                        const std::int64_t pixels = std::min<std::int64_t>(Tile, count - begin);
                        for (std::int64_t part = 0; part < lanes; part += Lanes) {
                            V sum[Tile] = {};
                            for (std::int64_t ky = ky_first; ky < Kernel; ky += Stride) {
                                const std::int64_t oy = (y + s.pad_top - ky) / Stride;
                                if (y + s.pad_top < ky || oy >= s.out_h) continue;
                                const float* row = g + oy * g_row + (ox_first + begin) * lanes + part;
                                for (std::int64_t kx = kx_first; kx < Kernel; kx += Stride) {
                                    V w;
                                    load(w, filter + (ky * Kernel + kx) * lanes + part);
                                    const float* at = row - kx / Stride * lanes;
#pragma GCC unroll 8
                                    for (int t = 0; t < Tile; ++t) {
                                        V v;
                                        load(v, at + t * lanes);
                                        sum[t] += w * v;
                                    }
                                }
                            }
                            float* to = out + (y * s.in_w + phase + begin * Stride) * s.channels + part;
                            if (channels >= part + Lanes) {
                                for (std::int64_t t = 0; t < pixels; ++t) store(to + t * Stride * s.channels, sum[t]);
                            } else {
                                for (std::int64_t t = 0; t < pixels; ++t)
                                    for (std::int64_t c = 0; c + part < channels && c < Lanes; ++c)
                                        to[t * Stride * s.channels + c] = sum[t][c];
                            }
                        }
                    }
                }
        });
    }

    depthwise_shape s_;
    const float* input_;
    const float* gradient_;
    float* input_gradient_;
    std::int64_t blocks_;         ///< of channels
    std::int64_t shares_;         ///< of the images, for each block
    std::vector<float> filter_;   ///< blocks x kernel x kernel x lanes
    std::vector<float> partial_;  ///< blocks x shares x kernel x kernel x lanes
};

}  // namespace llmnas::detail
