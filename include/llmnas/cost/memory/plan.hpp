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
               ///< padding, the result is written over it
    two_pass,  ///< a block with squeeze-and-excitation: rows stream once for the sums, and again for the output
};

[[nodiscard]] constexpr std::string_view name_of(part_kind k) noexcept {
    constexpr std::string_view names[] = {"streamed", "overlaid", "in place", "two passes"};
    return names[static_cast<std::size_t>(k)];
}

/// Operators `first` to `last`, which turn map `x` into map `y`.
///
/// Buffers of kind map with a tensor other than x and y hold what later parts read. At the start of a part every map
/// that exists lies where the part before left it, and is moved to its offset in this part: those that move up from the
/// top down, then those that move down from the bottom up. The order of maps by address never changes between parts.
///
/// In a streamed part, a ring holds rows of the input of a window (row r in slot r mod rows), a delay holds rows of a
/// block's input until its residual is summed, the first window reads a stored x directly. Row r of y is produced once
/// every row of every map before it that row r depends on is produced, and no other.
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

inline constexpr std::size_t max_plan_parts = 160;
inline constexpr std::size_t max_plan_buffers = 768;

/// The plan of a network; `complete` is false where it has more parts or buffers than fit, or its model does not cover
/// it.
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
