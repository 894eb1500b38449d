// SPDX-License-Identifier: MIT
/// \file
/// Bilinear resize, bit-equal to that of PIL (Image.resize with BILINEAR), which torchvision's Resize uses. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <llmnas/core/shape.hpp>
#include <llmnas/train/vector_loops.hpp>
#include <llmnas/train/working_image.hpp>

namespace llmnas {

namespace detail {

/// Along one axis: output position i is the sum of `count` inputs from `first` on, times weights that sum up to 2^22.
struct resize_axis {
    static constexpr int fraction_bits = 22;

    struct taps {
        std::size_t first = 0;
        std::size_t count = 0;
        std::size_t weights = 0;  ///< index of the first
    };
    std::vector<taps> outputs;
    std::vector<std::int32_t> weights;

    resize_axis(std::int32_t in, std::int32_t out) {
        const double scale = static_cast<double>(in) / out;
        const double stretch = scale < 1 ? 1 : scale;
        for (std::int32_t i = 0; i < out; ++i) {
            const double center = (i + 0.5) * scale;
            const auto begin = static_cast<std::int32_t>(std::max(0.0, center - stretch + 0.5));
            const auto end = std::min(in, static_cast<std::int32_t>(center + stretch + 0.5));
            std::vector<double> w;
            double sum = 0;
            for (std::int32_t x = begin; x < end; ++x) {
                w.push_back(std::max(0.0, 1 - std::abs((x - center + 0.5) * (1 / stretch))));
                sum += w.back();
            }
            std::vector<std::int32_t> fixed;
            for (const double v : w) fixed.push_back(static_cast<std::int32_t>(0.5 + v / sum * (1 << fraction_bits)));
            std::size_t from = 0;
            while (fixed.size() > 1 && fixed.back() == 0) fixed.pop_back();
            while (from + 1 < fixed.size() && fixed[from] == 0) ++from;
            outputs.push_back({static_cast<std::size_t>(begin) + from, fixed.size() - from, weights.size()});
            weights.insert(weights.end(), fixed.begin() + static_cast<std::ptrdiff_t>(from), fixed.end());
        }
    }
};

template <std::size_t Count>
[[gnu::always_inline]] inline void weigh_rows(const std::uint8_t* rows, std::size_t stride, const std::int32_t* w,
                                              std::uint8_t* __restrict out, std::size_t n) {
    std::int32_t k[Count];
    for (std::size_t t = 0; t < Count; ++t) k[t] = w[t];
    for (std::size_t i = 0; i < n; ++i) {
        std::int32_t sum = 1 << (resize_axis::fraction_bits - 1);
        for (std::size_t t = 0; t < Count; ++t) sum += rows[t * stride + i] * k[t];
        out[i] = static_cast<std::uint8_t>(sum >> resize_axis::fraction_bits);
    }
}

/// out = the weighted sum of `count` rows of n bytes, rounded.
[[gnu::always_inline]] inline void weigh_rows(const std::uint8_t* rows, std::size_t stride, std::size_t count,
                                              const std::int32_t* w, std::uint8_t* __restrict out, std::size_t n) {
    switch (count) {
        case 1:
            return weigh_rows<1>(rows, stride, w, out, n);
        case 2:
            return weigh_rows<2>(rows, stride, w, out, n);
        case 3:
            return weigh_rows<3>(rows, stride, w, out, n);
        case 4:
            return weigh_rows<4>(rows, stride, w, out, n);
        default:
            break;
    }
    constexpr std::size_t chunk = 64;
    for (std::size_t begin = 0; begin < n; begin += chunk) {
        const std::size_t end = begin + chunk < n ? begin + chunk : n;
        std::int32_t sums[chunk];
        for (std::size_t i = 0; i < chunk; ++i) sums[i] = 1 << (resize_axis::fraction_bits - 1);
        for (std::size_t t = 0; t < count; ++t) {
            const std::uint8_t* row = rows + t * stride + begin;
            const std::int32_t k = w[t];
            for (std::size_t i = 0; i < end - begin; ++i) sums[i] += row[i] * k;
        }
        for (std::size_t i = 0; i < end - begin; ++i)
            out[begin + i] = static_cast<std::uint8_t>(sums[i] >> resize_axis::fraction_bits);
    }
}

/// Rows x columns bytes to columns x rows.
inline void transpose_bytes(const std::uint8_t* in, std::size_t in_stride, std::size_t rows, std::size_t columns,
                            std::uint8_t* out, std::size_t out_stride) {
    constexpr std::size_t tile = 8;
    std::size_t y = 0;
    const std::size_t tiled = std::endian::native == std::endian::little ? rows / tile * tile : 0;
    for (; y < tiled; y += tile) {
        std::size_t x = 0;
        for (; x + tile <= columns; x += tile) {
            std::array<std::uint64_t, tile> r{};
            for (std::size_t i = 0; i < tile; ++i) std::memcpy(&r[i], in + (y + i) * in_stride + x, tile);
            // Halves, quarters and eighths of the tile change places across the diagonal.
            const auto swap_blocks = [&r](std::size_t distance, std::uint64_t low) {
                for (std::size_t i = 0; i < tile; ++i) {
                    if ((i & distance) != 0) continue;
                    const std::uint64_t t = ((r[i] >> (8 * distance)) ^ r[i + distance]) & low;
                    r[i] ^= t << (8 * distance);
                    r[i + distance] ^= t;
                }
            };
            swap_blocks(4, 0x00000000FFFFFFFFU);
            swap_blocks(2, 0x0000FFFF0000FFFFU);
            swap_blocks(1, 0x00FF00FF00FF00FFU);
            for (std::size_t i = 0; i < tile; ++i) std::memcpy(out + (x + i) * out_stride + y, &r[i], tile);
        }
        for (; x < columns; ++x)
            for (std::size_t i = 0; i < tile; ++i) out[x * out_stride + y + i] = in[(y + i) * in_stride + x];
    }
    for (; y < rows; ++y)
        for (std::size_t x = 0; x < columns; ++x) out[x * out_stride + y] = in[y * in_stride + x];
}

}  // namespace detail

/// Resizes images of one size to another. The rule, which is PIL's, an axis at a time, width first:
/// output i lies at (i + 1/2) * in / out; an input x weighs max(0, 1 - |x + 1/2 - center| / s), where s = max(1, in /
/// out), so that shrinking averages (antialiasing); weights are divided by their sum and rounded to 22 binary places; a
/// sum of products in integers is rounded to a byte, also between the two axes. An axis that stays is not touched.
/// Immutable: threads share one.
class bilinear_resize {
public:
    bilinear_resize(std::int32_t in_height, std::int32_t in_width, std::int32_t out_height, std::int32_t out_width)
        : in_{1, in_height, in_width},
          out_{1, out_height, out_width},
          rows_(in_height, out_height),
          columns_(in_width, out_width) {}

    /// The image must have the input size; it gets the output size.
    void operator()(working_image& image) const {
        if (out_.width != in_.width) along_rows(image);
        if (out_.height != in_.height) down_columns(image);
    }

private:
    /// Blocks of rows are turned into columns, so that both axes are sums over whole rows of bytes.
    void along_rows(working_image& image) const {
        const shape size{image.size().channels, in_.height, out_.width};
        const auto in_width = static_cast<std::size_t>(in_.width);
        const auto out_width = static_cast<std::size_t>(out_.width);
        const std::size_t rows = image.channels() * static_cast<std::size_t>(in_.height);
        const std::uint8_t* in = image.pixels();
        std::uint8_t* out = image.other(size);
        std::uint8_t* columns = image.scratch<std::uint8_t>((in_width + out_width) * block);
        std::uint8_t* sums = columns + in_width * block;
        for (std::size_t y = 0; y < rows; y += block) {
            const std::size_t n = std::min(block, rows - y);
            detail::transpose_bytes(in + y * in_width, in_width, n, in_width, columns, block);
            detail::vectorised([ =, axis = &columns_ ]() __attribute__((always_inline)) {
                for (std::size_t x = 0; x < out_width; ++x) {
                    const auto& t = axis->outputs[x];
                    detail::weigh_rows(columns + t.first * block, block, t.count, axis->weights.data() + t.weights,
                                       sums + x * block, block);
                }
            });
            detail::transpose_bytes(sums, block, out_width, n, out + y * out_width, out_width);
        }
        image.take_other(size);
    }

    void down_columns(working_image& image) const {
        const shape size{image.size().channels, out_.height, image.size().width};
        const auto width = static_cast<std::size_t>(size.width);
        const auto in_height = static_cast<std::size_t>(in_.height);
        const auto out_height = static_cast<std::size_t>(out_.height);
        const std::uint8_t* in = image.pixels();
        std::uint8_t* out = image.other(size);
        const std::size_t channels = image.channels();
        detail::vectorised([ =, axis = &rows_ ]() __attribute__((always_inline)) {
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t y = 0; y < out_height; ++y) {
                    const auto& t = axis->outputs[y];
                    detail::weigh_rows(in + (c * in_height + t.first) * width, width, t.count,
                                       axis->weights.data() + t.weights, out + (c * out_height + y) * width, width);
                }
        });
        image.take_other(size);
    }

    static constexpr std::size_t block = 32;  ///< rows turned at a time

    shape in_;
    shape out_;
    detail::resize_axis rows_;
    detail::resize_axis columns_;
};

}  // namespace llmnas
