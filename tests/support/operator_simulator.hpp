// SPDX-License-Identifier: MIT
// One operator executed on addresses, from whole maps to a whole map, element by element: rows from the top, pixels
// from the left, channels in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <llmnas/cost/memory/in_place_depthwise.hpp>
#include <llmnas/cost/terms.hpp>

#include "support/tagged_arena.hpp"

namespace memory_simulation {

/// A network, the arena that it runs in, and a count of what was computed.
struct machine {
    machine(const graph_view& graph, std::size_t arena_size) : g(graph), tags(graph), arena(arena_size, tags) {
        std::size_t count = 0;
        for (std::size_t t = 0; t <= g.ops.size(); ++t) {
            first_pixel.push_back(count);
            count += static_cast<std::size_t>(pixels_of(g.shape_of(static_cast<std::int32_t>(t))));
        }
        first_pixel.push_back(count);
        produced.resize(count);
    }

    /// Elements y, x, channel to channel + count - 1 of a map.
    void read(const memory_buffer& b, i64 position, std::int32_t tensor, i64 y, i64 x, i64 channel, i64 count) const {
        arena.read(b, position, tag_of(tensor, y, x, channel), count);
    }
    void write(const memory_buffer& b, i64 position, std::int32_t tensor, i64 y, i64 x, i64 channel, i64 count) {
        arena.write(b, position, tag_of(tensor, y, x, channel), count);
    }
    [[nodiscard]] tag tag_of(std::int32_t tensor, i64 y, i64 x, i64 channel) const {
        return tags.element(tensor, index_of(tensor, y, x) + channel);
    }
    /// Byte of pixel y, x in a whole map.
    [[nodiscard]] i64 index_of(std::int32_t tensor, i64 y, i64 x) const {
        const shape& s = g.shape_of(tensor);
        return (y * s.width + x) * s.channels;
    }

    /// `count` channels of a pixel of operator i's output are computed.
    void compute(std::size_t i, i64 y, i64 x, i64 count) {
        const op& o = g.ops[i];
        produced[first_pixel[i + 1] + static_cast<std::size_t>(y * o.out.width + x)] +=
            static_cast<std::uint32_t>(count);
        macs +=
            llmnas::weight_count(o) / static_cast<std::uint64_t>(o.out.channels) * static_cast<std::uint64_t>(count);
    }

    graph_view g;
    tag_numbers tags;
    tagged_arena arena;
    std::vector<std::size_t> first_pixel;  ///< of each tensor in `produced`
    std::vector<std::uint32_t> produced;   ///< channels computed, for each pixel of each map
    std::uint64_t macs = 0;
};

/// Calls f(row, first column, last column) for the rows of the window of output pixel y, x that lie in the map.
template <class F>
void for_each_window_row(const op& o, i64 y, i64 x, F&& f) {
    const i64 top = y * o.stride_h - o.pad.top, left = x * o.stride_w - o.pad.left;
    const i64 first = std::max<i64>(left, 0), last = std::min<i64>(left + o.kernel_w, o.in.width) - 1;
    for (i64 row = std::max<i64>(top, 0); row < std::min<i64>(top + o.kernel_h, o.in.height); ++row)
        f(row, first, last);
}

[[nodiscard]] inline bool has_window(const op& o) {
    return o.kind == op_kind::conv || o.kind == op_kind::avg_pool || o.kind == op_kind::max_pool;
}

/// Runs operator i. Where input and output share bytes, `pixel` (size 0: none) takes the input pixel of a 1x1
/// convolution, or holds the output pixel of a wider one back until it is complete.
class whole_operator {
public:
    whole_operator(machine& m, std::size_t i, std::span<const memory_buffer> inputs, const memory_buffer& output,
                   const memory_buffer& pixel)
        : m_(m), i_(i), o_(m.g.ops[i]), ids_(m.g.inputs_of(o_)), in_(inputs), out_(output), pixel_(pixel) {}

    void run() {
        if (has_window(o_)) return windows();
        switch (o_.kind) {
            case op_kind::linear:
            case op_kind::global_avg_pool:
                read_all(0);
                write_all();
                if (in_[0].tensor == ids_[0]) read_all(0);  // every output needs every input
                return;
            case op_kind::concat:
                return join();
            default:
                return element_wise();
        }
    }

    /// Channel by channel: the channel goes into the plane with its padding, the result is written over it.
    void run_in_place(const memory_buffer& plane) {
        const shape &in = o_.in, &out = o_.out;
        const i64 plane_width = i64{in.width} + o_.pad.left + o_.pad.right;
        const auto position = [&](i64 y) { return (y + o_.pad.top) * plane_width + o_.pad.left; };
        for (i64 c = 0; c < out.channels; ++c) {
            m_.arena.spoil(plane, 0, llmnas::detail::padded_plane(o_));  // zeros
            for (i64 y = 0; y < in.height; ++y) {
                const tag first = m_.tag_of(ids_[0], y, 0, c);
                m_.arena.read_lane(in_[0], m_.index_of(ids_[0], y, 0) + c, in.channels, first, in.channels, in.width);
                m_.arena.write_lane(plane, position(y), 1, first, in.channels, in.width);
            }
            for (i64 y = 0; y < out.height; ++y) {
                m_.arena.write_lane(out_, m_.index_of(id(), y, 0) + c, out.channels, m_.tag_of(id(), y, 0, c),
                                    out.channels, out.width);
                for (i64 x = 0; x < out.width; ++x) m_.compute(i_, y, x, 1);
            }
            for (i64 y = 0; y < in.height; ++y)  // no write came between: what the windows read is still there
                m_.arena.read_lane(plane, position(y), 1, m_.tag_of(ids_[0], y, 0, c), in.channels, in.width);
        }
    }

private:
    [[nodiscard]] std::int32_t id() const { return static_cast<std::int32_t>(i_) + 1; }

    void read_all(std::size_t k) const {
        const shape& s = m_.g.shape_of(ids_[k]);
        m_.read(in_[k], 0, ids_[k], 0, 0, 0, size_of(s));
    }
    void write_all() {
        m_.write(out_, 0, id(), 0, 0, 0, size_of(o_.out));
        for (i64 y = 0; y < o_.out.height; ++y)
            for (i64 x = 0; x < o_.out.width; ++x) m_.compute(i_, y, x, o_.out.channels);
    }

    template <class F>
    void for_each_pixel(F&& f) {
        for (i64 y = 0; y < o_.out.height; ++y)
            for (i64 x = 0; x < o_.out.width; ++x) {
                f(y, x);
                m_.compute(i_, y, x, o_.out.channels);
            }
    }

    void windows() {
        const bool pointwise = o_.kernel_h == 1 && o_.kernel_w == 1;
        for_each_pixel([&](i64 y, i64 x) {
            if (pixel_.size.value == 0) return llmnas::detail::works_channelwise(o_) ? channels(y, x) : direct(y, x);
            if (pointwise) {
                const i64 row = y * o_.stride_h - o_.pad.top, column = x * o_.stride_w - o_.pad.left;
                read_window(y, x, 0, o_.in.channels);
                m_.write(pixel_, 0, ids_[0], row, column, 0, o_.in.channels);
                write_pixel(y, x, 0, o_.out.channels);
                m_.read(pixel_, 0, ids_[0], row, column, 0, o_.in.channels);
            } else {
                read_window(y, x, 0, o_.in.channels);
                m_.write(pixel_, 0, id(), y, x, 0, o_.out.channels);
                read_window(y, x, 0, o_.in.channels);
                m_.read(pixel_, 0, id(), y, x, 0, o_.out.channels);
                write_pixel(y, x, 0, o_.out.channels);
            }
        });
    }

    /// Each output channel needs the input channel of its own number.
    void channels(i64 y, i64 x) {
        if (!touches(y, x)) return direct(y, x);
        for (i64 c = 0; c < o_.out.channels; ++c) {
            read_window(y, x, c, 1);
            write_pixel(y, x, c, 1);
        }
    }
    /// Each output channel needs all input channels.
    void direct(i64 y, i64 x) {
        read_window(y, x, 0, o_.in.channels);
        write_pixel(y, x, 0, o_.out.channels);
        if (o_.out.channels > 1 && touches(y, x)) read_window(y, x, 0, o_.in.channels);
    }

    void read_window(i64 y, i64 x, i64 channel, i64 count) const {
        for_each_window_row(o_, y, x, [&](i64 row, i64 first, i64 last) {
            if (count == o_.in.channels)  // neighbours in a row are neighbours in memory
                return m_.read(in_[0], m_.index_of(ids_[0], row, first), ids_[0], row, first, 0,
                               (last - first + 1) * count);
            for (i64 column = first; column <= last; ++column)
                m_.read(in_[0], m_.index_of(ids_[0], row, column) + channel, ids_[0], row, column, channel, count);
        });
    }
    void write_pixel(i64 y, i64 x, i64 channel, i64 count) {
        m_.write(out_, m_.index_of(id(), y, x) + channel, id(), y, x, channel, count);
    }
    /// Whether output pixel y, x lies over its own window.
    [[nodiscard]] bool touches(i64 y, i64 x) const {
        bool result = false;
        const i64 at = static_cast<i64>(out_.offset.value) + m_.index_of(id(), y, x);
        for_each_window_row(o_, y, x, [&](i64 row, i64 first, i64 last) {
            result |=
                overlap(at, o_.out.channels, static_cast<i64>(in_[0].offset.value) + m_.index_of(ids_[0], row, first),
                        (last - first + 1) * o_.in.channels);
        });
        return result;
    }

    void element_wise() {
        const i64 c = o_.out.channels;
        for_each_pixel([&](i64 y, i64 x) {
            const auto one = [&](i64 channel, i64 count) {
                for (std::size_t k = 0; k < in_.size(); ++k) {
                    const bool gates = pixels_of(m_.g.shape_of(ids_[k])) == 1;
                    m_.read(in_[k], (gates ? 0 : m_.index_of(ids_[k], y, x)) + channel, ids_[k], gates ? 0 : y,
                            gates ? 0 : x, channel, count);
                }
                write_pixel(y, x, channel, count);
            };
            bool shifted = false;  // an element may lie over another element of an input
            for (const memory_buffer& b : in_)
                shifted |= b.offset != out_.offset && overlap(static_cast<i64>(b.offset.value), size(b),
                                                              static_cast<i64>(out_.offset.value), size(out_));
            if (!shifted) return one(0, c);
            for (i64 channel = 0; channel < c; ++channel) one(channel, 1);
        });
    }
    [[nodiscard]] static i64 size(const memory_buffer& b) { return static_cast<i64>(b.size.value); }

    void join() {
        for_each_pixel([&](i64 y, i64 x) {
            i64 channel = 0;
            for (std::size_t k = 0; k < in_.size(); ++k) {
                const i64 count = m_.g.shape_of(ids_[k]).channels;
                m_.read(in_[k], m_.index_of(ids_[k], y, x), ids_[k], y, x, 0, count);
                write_pixel(y, x, channel, count);
                channel += count;
            }
        });
    }

    machine& m_;
    std::size_t i_;
    const op& o_;
    std::span<const std::int32_t> ids_;
    std::span<const memory_buffer> in_;
    memory_buffer out_, pixel_;
};

}  // namespace memory_simulation
