// SPDX-License-Identifier: MIT
/// \file
/// How close an output may be written behind the input that it is computed from, in one buffer. Maps are stored pixel
/// by pixel with the channels together (HWC); the output starts at byte 0, the input at byte D.
#pragma once

#include <cstdint>

#include <llmnas/cost/memory/in_place_depthwise.hpp>

namespace llmnas::detail {

/// D of one operator when output pixels are written in order: the maximum over pixels t of
/// (t + 1) * Co - A(t), where A(t) is the first input byte still needed after pixel t. The maximum is piecewise linear
/// in row and column, so that a few breakpoints give it.
[[nodiscard]] constexpr std::int64_t pixel_distance(const op& o) noexcept {
    const std::int64_t ci = o.in.channels, co = o.out.channels, h = o.in.height, w = o.in.width;
    const std::int64_t ho = o.out.height, wo = o.out.width, s = o.stride_h, sw = o.stride_w;
    const std::int64_t top = o.pad.top, left = o.pad.left;
    if (o.is_plain_pointwise()) return at_least(0, (h * w - 1) * (co - ci));
    if (ho * wo == 1) return 0;  // the only pixel needs everything before it is written, and nothing behind it
    if (ci == co && s == 1 && sw == 1 && ho == h && wo == w && h > top + 1 && w > left + 1)
        return ci * (top * w + left);
    // Half-padded windows of stride 2: the second output row begins before its input may go (kernels of 5 and 7).
    if (ci == co && s == 2 && sw == 2 && top == left && top >= 1 && top <= 3 && h > 8 && w > 8 && 2 * ho <= h + 1 &&
        2 * wo <= w + 1)
        return top == 1 ? 0 : ci * (wo + 1);
    // Input bytes still needed behind pixel (y, x - 1): the window of (y, x), or of the first pixel of the next row.
    const auto needed = [&](std::int64_t y, std::int64_t x) {
        const std::int64_t here = at_least(0, y * s - top) * w + at_least(0, x * sw - left);
        const std::int64_t next = y + 1 < ho ? at_least(0, (y + 1) * s - top) * w : h * w;
        return at_most(at_most(here, next), h * w);
    };
    const std::int64_t column = left / sw, row = top / s;
    std::int64_t distance = 0;
    const auto try_pixel = [&](std::int64_t y, std::int64_t x) {
        if (y < 0 || y >= ho) return;
        x = at_least(1, at_most(x, wo - 1));
        if (wo > 1) distance = at_least(distance, (y * wo + x) * co - ci * needed(y, x));
        if (y + 1 < ho) distance = at_least(distance, (y + 1) * wo * co - ci * needed(y + 1, 0));
    };
    for (const std::int64_t y : {row - 1, row, row + 1, ho - 2, ho - 1}) {
        const std::int64_t hit = (left + at_least(0, (y + 1) * s - top) * w - at_least(0, y * s - top) * w) / sw;
        for (const std::int64_t x : {std::int64_t{1}, column, column + 1, hit, hit + 1, wo - 1}) try_pixel(y, x);
    }
    return distance;
}

/// Bytes of an output pixel that must wait beside the overlaid maps: an operator that needs all input channels for one
/// output channel copies the input pixel out (pointwise) or holds the output pixel back (wider windows).
[[nodiscard]] constexpr std::int64_t pixel_copy(const op& o) noexcept {
    if (works_channelwise(o)) return 0;
    return o.kernel_h == 1 && o.kernel_w == 1 ? o.in.channels : o.out.channels;
}

/// First row of a resident input that is needed while row r of an output is written: a + b * r, nothing from row
/// `rows` on.
struct row_need {
    std::int64_t a = 0;
    std::int64_t b = 1;
    std::int64_t rows = 0;  ///< rows of the output while some row of the input is needed
};

/// D by whole rows: the maximum over rows r of (r + 1) * output_row - input_row * max(0, need(r)). By rows is
/// conservative and holds through several operators.
[[nodiscard]] constexpr std::int64_t row_distance(std::int64_t output_row, std::int64_t input_row,
                                                  const row_need& need) noexcept {
    std::int64_t distance = 0;
    const auto try_row = [&](std::int64_t r) {
        if (r < 0 || r >= need.rows) return;
        distance = at_least(distance, (r + 1) * output_row - input_row * at_least(0, need.a + need.b * r));
    };
    if (need.a < 0 && need.b > 0) {
        const std::int64_t first = -need.a / need.b;  // last row that needs the input from its first row on
        try_row(first);
        try_row(first + 1);
    }
    try_row(0);
    try_row(need.rows - 1);
    return distance;
}

}  // namespace llmnas::detail
