// SPDX-License-Identifier: MIT
/// \file
/// Affine maps of images, equal to torchvision's on PIL images: nearest neighbour, black where nothing comes from. No
/// torch.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <llmnas/core/shape.hpp>
#include <llmnas/train/vector_loops.hpp>
#include <llmnas/train/working_image.hpp>

namespace llmnas {

/// Where an output position (x, y) comes from: (a x + b y + c, d x + e y + f), in pixels.
struct affine_map {
    double a = 1;
    double b = 0;
    double c = 0;
    double d = 0;
    double e = 1;
    double f = 0;
};

/// What torchvision's functional.affine is asked for: angles in degrees, translation in pixels.
struct affine_parameters {
    double angle = 0;  ///< clockwise
    double translate_x = 0;
    double translate_y = 0;
    double scale = 1;
    double shear_x = 0;
    double shear_y = 0;
};

/// The map of these parameters about a center: inverse of scale, shear along y, shear along x, rotation, translation.
[[nodiscard]] inline affine_map affine_about(const affine_parameters& p, double center_x, double center_y) {
    const double turn = p.angle * (std::numbers::pi / 180);
    const double sx = p.shear_x * (std::numbers::pi / 180);
    const double sy = p.shear_y * (std::numbers::pi / 180);
    const double a = std::cos(turn - sy) / std::cos(sy);
    const double b = -std::cos(turn - sy) * std::tan(sx) / std::cos(sy) - std::sin(turn);
    const double c = std::sin(turn - sy) / std::cos(sy);
    const double d = -std::sin(turn - sy) * std::tan(sx) / std::cos(sy) + std::cos(turn);
    affine_map m{d / p.scale, -b / p.scale, 0, -c / p.scale, a / p.scale, 0};
    const double x = -center_x - p.translate_x;
    const double y = -center_y - p.translate_y;
    m.c = m.a * x + m.b * y + center_x;
    m.f = m.d * x + m.e * y + center_y;
    return m;
}

/// PIL's Image.rotate: counterclockwise about the middle.
[[nodiscard]] inline affine_map rotation_of(const shape& size, double degrees) {
    const double turn = -degrees * (std::numbers::pi / 180);
    const auto rounded = [](double v) { return std::round(v * 1e15) / 1e15; };  // a quarter turn is exact
    affine_map m{rounded(std::cos(turn)),  rounded(std::sin(turn)), 0,
                 rounded(-std::sin(turn)), rounded(std::cos(turn)), 0};
    const double x = size.width / 2.0;
    const double y = size.height / 2.0;
    m.c = -m.a * x - m.b * y + x;
    m.f = -m.d * x - m.e * y + y;
    return m;
}

namespace detail {

/// Up to four planes as one word a pixel, and a black pixel behind them: one load fetches all channels.
inline void pack_planes(const std::uint8_t* const* planes, std::size_t n, std::uint32_t* __restrict out) {
    vectorised([=]() __attribute__((always_inline)) {
        const std::uint8_t* p0 = planes[0];
        const std::uint8_t* p1 = planes[1];
        const std::uint8_t* p2 = planes[2];
        const std::uint8_t* p3 = planes[3];
        for (std::size_t i = 0; i < n; ++i)
            out[i] = p0[i] | static_cast<std::uint32_t>(p1[i]) << 8U | static_cast<std::uint32_t>(p2[i]) << 16U |
                     static_cast<std::uint32_t>(p3[i]) << 24U;
        out[n] = 0;
    });
}

/// The first `count` of the four bytes of each word, plane by plane.
inline void unpack_planes(const std::uint32_t* packed, std::size_t n, std::uint8_t* out, std::size_t count) {
    vectorised([=]() __attribute__((always_inline)) {
        if (count == 3) {
            std::uint8_t* __restrict red = out;
            std::uint8_t* __restrict green = out + n;
            std::uint8_t* __restrict blue = out + 2 * n;
            for (std::size_t i = 0; i < n; ++i) {
                red[i] = static_cast<std::uint8_t>(packed[i]);
                green[i] = static_cast<std::uint8_t>(packed[i] >> 8U);
                blue[i] = static_cast<std::uint8_t>(packed[i] >> 16U);
            }
            return;
        }
        for (std::size_t k = 0; k < count; ++k) {
            std::uint8_t* __restrict to = out + k * n;
            for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<std::uint8_t>(packed[i] >> (8 * k));
        }
    });
}

/// PIL's own arithmetic, 16 binary places. Integer holds the positions: 32 bits where all are below 2^15.
template <class Integer>
void fetch_pixels(const affine_map& m, const std::uint32_t* packed, const shape& size, std::uint32_t* __restrict out) {
    const auto fixed = [](double v) { return static_cast<Integer>(std::floor(v * 65536.0 + 0.5)); };
    const Integer a = fixed(m.a);
    const Integer d = fixed(m.d);
    const Integer b = fixed(m.b);
    const Integer e = fixed(m.e);
    const Integer from_x = fixed(m.c + m.a * 0.5 + m.b * 0.5);
    const Integer from_y = fixed(m.f + m.d * 0.5 + m.e * 0.5);
    vectorised([=]() __attribute__((always_inline)) {
        const std::int32_t height = size.height;
        const std::int32_t width = size.width;
        const std::int32_t black = height * width;
        for (std::int32_t y = 0; y < height; ++y) {
            const Integer row_x = from_x + b * y;
            const Integer row_y = from_y + e * y;
            std::uint32_t* __restrict to = out + static_cast<std::ptrdiff_t>(y) * width;
            for (std::int32_t x = 0; x < width; ++x) {
                const auto at_x = (row_x + a * x) >> 16;
                const auto at_y = (row_y + d * x) >> 16;
                const bool inside = (at_x >= 0) & (at_x < width) & (at_y >= 0) & (at_y < height);
                to[x] =
                    packed[inside ? static_cast<std::int32_t>(at_y) * width + static_cast<std::int32_t>(at_x) : black];
            }
        }
    });
}

/// Without rotation or shear: an input column for each output column, and rows alike; -1 outside. Floating point, added
/// up from position to position, as PIL does it.
inline void positions_along(double step, double from, std::int32_t n, std::int32_t* out) {
    double at = from + step * 0.5;
    for (std::int32_t i = 0; i < n; ++i, at += step)
        out[i] = at >= 0 && at < static_cast<double>(n) ? static_cast<std::int32_t>(at) : -1;
}

inline void scale_and_shift(working_image& image, const affine_map& m) {
    const shape size = image.size();
    const auto width = static_cast<std::size_t>(size.width);
    const auto height = static_cast<std::size_t>(size.height);
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.other(size);
    auto* columns = image.scratch<std::int32_t>(width + height);
    auto* rows = columns + width;
    positions_along(m.a, m.c, size.width, columns);
    positions_along(m.e, m.f, size.height, rows);
    std::size_t first = 0;
    std::size_t last = width;
    while (first < last && columns[first] < 0) ++first;
    while (last > first && columns[last - 1] < 0) --last;
    const bool shift_only = m.a == 1;
    for (std::size_t c = 0; c < image.channels(); ++c)
        for (std::size_t y = 0; y < height; ++y) {
            std::uint8_t* to = out + (c * height + y) * width;
            if (rows[y] < 0 || first == last) {
                std::fill(to, to + width, std::uint8_t{0});
                continue;
            }
            const std::uint8_t* from = in + (c * height + static_cast<std::size_t>(rows[y])) * width;
            std::fill(to, to + first, std::uint8_t{0});
            if (shift_only)
                std::copy(from + columns[first], from + columns[first] + (last - first), to + first);
            else
                for (std::size_t x = first; x < last; ++x) to[x] = from[columns[x]];
            std::fill(to + last, to + width, std::uint8_t{0});
        }
    image.take_other(size);
}

}  // namespace detail

/// Every output pixel is the input pixel that its position comes from.
inline void warp(working_image& image, const affine_map& m) {
    if (m.b == 0 && m.d == 0) return detail::scale_and_shift(image, m);
    const shape size = image.size();
    const std::size_t n = image.plane();
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.other(size);
    auto* packed = image.scratch<std::uint32_t>(2 * n + 1);
    std::uint32_t* fetched = packed + n + 1;
    const auto reach = [&](double x, double y) {
        return std::max(std::abs(m.a * x + m.b * y + m.c), std::abs(m.d * x + m.e * y + m.f));
    };
    const double w = size.width;
    const double h = size.height;
    const bool narrow = std::max({reach(0, 0), reach(w, 0), reach(0, h), reach(w, h)}) < 32768.0;
    for (std::size_t c = 0; c < image.channels(); c += 4) {
        const std::size_t count = std::min<std::size_t>(4, image.channels() - c);
        std::array<const std::uint8_t*, 4> planes{};
        for (std::size_t k = 0; k < 4; ++k) planes[k] = in + (c + std::min(k, count - 1)) * n;
        detail::pack_planes(planes.data(), n, packed);
        if (narrow)
            detail::fetch_pixels<std::int32_t>(m, packed, size, fetched);
        else
            detail::fetch_pixels<std::int64_t>(m, packed, size, fetched);
        detail::unpack_planes(fetched, n, out + c * n, count);
    }
    image.take_other(size);
}

}  // namespace llmnas
