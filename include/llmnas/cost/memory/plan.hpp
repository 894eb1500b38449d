// SPDX-License-Identifier: MIT
/// \file
/// A memory plan: the parts in which a network runs, and for each what lies where in the arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <llmnas/cost/memory_layout.hpp>

namespace llmnas {

enum class part_kind : std::uint8_t {
    streamed,  ///< rows flow through all operators of the part; maps between them exist as rings of rows
    overlaid,  ///< one operator; its output overwrites an input that nobody needs any more, where the buffers overlap
    in_place,  ///< one depthwise convolution or pool, channel by channel: a channel is copied into the plane with its
               ///< padding, the result is written over it (the lanes of other channels stay as they are)
    two_pass,  ///< a block with squeeze-and-excitation: rows stream once for the sums, and again for the output
};

[[nodiscard]] constexpr std::string_view name_of(part_kind k) noexcept {
    constexpr std::string_view names[] = {"streamed", "overlaid", "in place", "two passes"};
    return names[static_cast<std::size_t>(k)];
}

/// Operators `first` to `last`, which turn map `x` into map `y`.
///
/// **Maps.** Buffers of kind map with a tensor other than x and y hold what this or later parts read. The network's
/// input is written to the place that it has in the first part. At the start of every other part each map that exists
/// lies where the part before left it, and is moved to its offset in this part: those that move up from the top down,
/// then those that move down from the bottom up. The order of maps by address never changes between parts.
///
/// **overlaid.** Rows from the top, pixels from the left. Depthwise convolutions and pools write channel by channel.
/// Where input and output share bytes, a 1x1 convolution copies its input pixel to the pixel buffer first, a wider one
/// collects its output pixel there. Sums, products and gates go element by element; global pooling and linear layers
/// finish one output after the other, in a register.
///
/// **streamed.** Row r of y is produced once every row of every map before it that row r depends on is produced, and no
/// other; so on for those rows, in order, the main path of a residual before the residual. Where they are:
/// - x: a map; or with `x_arrives` the first ring of x, of two rows: while row r is read, row r + 1 comes in. Rows that
///   a second ring or a delay of x holds are copied there.
/// - ring: rows of the input of a window, row r in slot r mod rows. The first window reads a stored x directly.
/// - delay: rows of a block's input until its residual is summed, row r in slot r mod rows; the expansion reads them
///   there too.
/// - pixel: every other map is one pixel on its way from one operator to the next. What a window writes, or a 1x1
///   convolution of stored rows, lies at the start of the buffer; each pixel computed from it at the end, at the start,
///   and so on in turn. A residual sum is added to what the operator before it computes, channel by channel. Where
///   pixels of a stored x are turned into pixels of y at once (one 1x1 convolution, perhaps with its residual), the
///   pixel of x is copied to the buffer first, for y may lie over it.
/// - accumulator of y: int32 sums of a global pooling, zeroed before the first pixel arrives and y itself afterwards.
/// - accumulator of another map: squeeze-and-excitation of y. The window's output is written where y lies and summed on
///   the way. Then come the means, one byte a channel from the start of the buffer; behind them the hidden units; over
///   the means the gates. The product with the gates is done in place.
///
/// **two_pass.** As squeeze-and-excitation above, but the first pass writes no map, only sums. The gates stay where the
/// accumulator began. The second pass computes the rows again, multiplies each pixel with the gates in the pixel
/// buffer, and projects it to y.
///
/// Scratch holds nothing between rows.
struct plan_part {
    part_kind kind = part_kind::overlaid;
    std::int32_t first = 0;
    std::int32_t last = 0;
    std::int32_t x = 0;
    std::int32_t y = 0;
    bool x_arrives = false;  ///< the network's input comes in row by row and is not stored
    bytes size;              ///< bytes from the start of the arena that the part uses
    std::int32_t first_buffer = 0;
    std::int32_t buffer_count = 0;
    friend constexpr bool operator==(const plan_part&, const plan_part&) = default;
};

inline constexpr std::size_t max_plan_parts = 288;
inline constexpr std::size_t max_plan_buffers = 1536;

/// The plan of a network; `complete` is false where its model does not cover the network.
struct memory_plan {
    memory_peak peak;
    bytes moved;      ///< bytes of maps moved between parts
    macs recomputed;  ///< multiply-accumulates done a second time by two_pass parts
    bool complete = true;
    std::size_t part_count = 0;
    std::size_t buffer_count = 0;
    plan_part part_storage[max_plan_parts]{};
    memory_buffer buffer_storage[max_plan_buffers]{};

    [[nodiscard]] constexpr std::span<const plan_part> parts() const noexcept { return {part_storage, part_count}; }
    [[nodiscard]] constexpr std::span<const memory_buffer> buffers(const plan_part& p) const noexcept {
        return {buffer_storage + p.first_buffer, static_cast<std::size_t>(p.buffer_count)};
    }
    /// Where a map lies in a part; a buffer of size 0 where it does not.
    [[nodiscard]] constexpr memory_buffer map(const plan_part& p, std::int32_t tensor) const noexcept {
        for (const memory_buffer& b : buffers(p))
            if (b.kind == buffer_kind::map && b.tensor == tensor) return b;
        return {};
    }
};

}  // namespace llmnas
