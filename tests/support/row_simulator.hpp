// SPDX-License-Identifier: MIT
// Parts of a memory plan that work by rows, executed on addresses as <llmnas/cost/memory/plan.hpp> says.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <llmnas/cost/memory/plan.hpp>

#include "support/needed_rows.hpp"
#include "support/operator_simulator.hpp"

namespace memory_simulation {

/// A streamed or two_pass part. Rows of the last map are demanded from the top down, and each demands what it needs.
class row_part {
public:
    row_part(machine& m, const llmnas::memory_plan& plan, const llmnas::plan_part& part)
        : m_(m),
          part_(part),
          needed_(m.g, part.first, part.last),
          source_(m.g.ops.size() + 1, -1),
          row_spoiled_(m.g.ops.size(), -1) {
        for (const memory_buffer& b : plan.buffers(part)) sort_in(b);
        if (part.x_arrives && source_[0] < 0) source_[0] = add_store(arriving_, 2);
    }

    void run() {
        const op& last = op_of(part_.y);
        if (part_.kind == llmnas::part_kind::two_pass) return two_passes();
        if (last.kind == op_kind::global_avg_pool) return pool(m_.g.inputs_of(last)[0]);
        if (last.kind == op_kind::scale) return squeeze(m_.g.inputs_of(last)[0]);
        rows_of_y(part_.y);
    }

private:
    /// Where rows of a map are; `rows` 0: all of them, one behind the other.
    struct store {
        memory_buffer buffer;
        i64 rows = 0;
        i64 next = 0;  ///< first row that was not produced yet
    };

    [[nodiscard]] const op& op_of(std::int32_t tensor) const { return m_.g.ops[static_cast<std::size_t>(tensor) - 1]; }
    [[nodiscard]] i64 channels(std::int32_t tensor) const { return m_.g.shape_of(tensor).channels; }
    [[nodiscard]] i64 row_bytes(std::int32_t tensor) const { return channels(tensor) * m_.g.shape_of(tensor).width; }

    std::int32_t add_store(const memory_buffer& b, i64 rows) {
        stores_.push_back({b, rows, 0});
        return static_cast<std::int32_t>(stores_.size()) - 1;
    }

    void sort_in(const memory_buffer& b) {
        using llmnas::buffer_kind;
        auto& source = source_[static_cast<std::size_t>(std::max(b.tensor, 0))];
        switch (b.kind) {
            case buffer_kind::map:
                if (b.tensor == part_.y)
                    y_ = b;
                else
                    source = add_store(b, 0);
                break;
            case buffer_kind::ring:
            case buffer_kind::delay:
                if (part_.x_arrives && b.tensor == part_.x && arriving_.size.value == 0)
                    arriving_ = b;  // the first of its rings
                else
                    source = add_store(b, b.rows);
                break;
            case buffer_kind::pixel:
                pixel_ = b;
                break;
            case buffer_kind::accumulator:
                sums_ = b;
                break;
            case buffer_kind::gates:
                gates_ = b;
                break;
            case buffer_kind::scratch:
                scratch_ = b;
                break;
            default:
                throw failure("a part by rows lists a buffer of kind " + std::string(name_of(b.kind)));
        }
    }

    // --- rows -----------------------------------------------------------------------------------------------------
    [[nodiscard]] bool stored(std::int32_t tensor) const { return source_[static_cast<std::size_t>(tensor)] >= 0; }
    [[nodiscard]] store& source(std::int32_t tensor) {
        if (!stored(tensor)) throw failure("rows of t" + std::to_string(tensor) + " are read, and no buffer has them");
        return stores_[static_cast<std::size_t>(source_[static_cast<std::size_t>(tensor)])];
    }
    [[nodiscard]] static bool is_window(const op& o) {
        return has_window(o) && !(o.is_pointwise() && o.stride_h == 1 && o.stride_w == 1);
    }

    /// Produces the stored rows that row r of a map is computed from.
    void prepare(std::int32_t tensor, i64 r) {
        const op& o = op_of(tensor);
        const auto inputs = m_.g.inputs_of(o);
        if (is_window(o))
            return ensure(inputs[0], std::min<i64>(r * o.stride_h - o.pad.top + o.kernel_h, o.in.height) - 1);
        if (o.kind != op_kind::add) return prepare_input(inputs[0], r);
        for (const bool window : {true, false})  // the main path first: it needs the rows that the residual waits for
            for (const std::int32_t input : inputs)
                if (behind_window(input) == window) prepare_input(input, r);
    }
    void prepare_input(std::int32_t tensor, i64 r) { stored(tensor) ? ensure(tensor, r) : prepare(tensor, r); }

    /// Whether a window lies between a map and the stored rows that it is computed from.
    [[nodiscard]] bool behind_window(std::int32_t tensor) const {
        if (stored(tensor)) return false;
        const auto inputs = m_.g.inputs_of(op_of(tensor));
        return is_window(op_of(tensor)) ||
               std::any_of(inputs.begin(), inputs.end(), [&](std::int32_t i) { return behind_window(i); });
    }

    /// Produces the rows up to `last` that something needs.
    void ensure(std::int32_t tensor, i64 last) {
        if (tensor == part_.x && part_.x_arrives && source(tensor).buffer == arriving_) return arrive(last);
        store& s = source(tensor);
        if (s.rows == 0) return;
        while (s.next <= last) {
            const i64 row = s.next++;
            if (needed_.row(tensor, row)) fill(tensor, row);
        }
    }

    void fill(std::int32_t tensor, i64 row) {
        const memory_buffer b = source(tensor).buffer;
        const i64 position = row % source(tensor).rows * row_bytes(tensor);
        const shape& s = m_.g.shape_of(tensor);
        if (tensor == part_.x) {  // from the row that arrived
            arrive(row);
            m_.read(arriving_, row % 2 * row_bytes(tensor), tensor, row, 0, 0, row_bytes(tensor));
            return m_.write(b, position, tensor, row, 0, 0, row_bytes(tensor));
        }
        prepare(tensor, row);
        for (i64 x = 0; x < s.width; ++x) produce(tensor, row, x, b, position + x * s.channels);
    }

    /// Row r is read while the next one comes in already.
    void arrive(i64 r) {
        for (; arrived_ <= std::min<i64>(r + 1, m_.g.input.height - 1); ++arrived_)
            m_.write(arriving_, arrived_ % 2 * row_bytes(0), 0, arrived_, 0, 0, row_bytes(0));
    }

    // --- pixels ---------------------------------------------------------------------------------------------------
    /// Reads, and where a pixel on its way is among them computes, what pixel (r, x) of a map is computed from.
    void operands(std::int32_t tensor, i64 r, i64 x) {
        const op& o = op_of(tensor);
        const auto inputs = m_.g.inputs_of(o);
        m_.compute(static_cast<std::size_t>(tensor) - 1, r, x, o.out.channels);
        if (o.is_pointwise()) spoil_scratch(o, r);
        if (is_window(o)) {
            const store& s = source(inputs[0]);
            const i64 c = o.in.channels;
            for_each_window_row(o, r, x, [&](i64 row, i64 first, i64 last) {
                const i64 slot = s.rows == 0 ? row : row % s.rows;
                take(s.buffer, slot * row_bytes(inputs[0]) + first * c, inputs[0], row, first, (last - first + 1) * c);
            });
            return;
        }
        if (o.kind == op_kind::conv) {
            read_pixel(inputs[0], r, x);
        } else if (o.kind == op_kind::add) {
            for (const std::int32_t input : inputs) stored(input) ? read_pixel(input, r, x) : operands(input, r, x);
        } else {
            throw failure("a " + std::string(name_of(o.kind)) + " in a part by rows");
        }
    }

    /// A pixel that is stored, or that is computed into the pixel buffer now.
    void read_pixel(std::int32_t tensor, i64 r, i64 x) {
        const i64 c = channels(tensor);
        if (!stored(tensor)) {
            materialise(tensor, r, x);
            take(pixel_, pixel_position(tensor), tensor, r, x, c);
        } else if (tensor == part_.x && copies_x_) {
            take(pixel_, 0, tensor, r, x, c);
        } else {
            const store& s = source(tensor);
            take(s.buffer, (s.rows == 0 ? r : r % s.rows) * row_bytes(tensor) + x * c, tensor, r, x, c);
        }
    }

    void take(const memory_buffer& b, i64 position, std::int32_t tensor, i64 r, i64 x, i64 count) {
        m_.read(b, position, tensor, r, x, 0, count);
        operands_.emplace_back(static_cast<i64>(b.offset.value) + position, count);
    }

    /// Computes a pixel; no operand may lie where it is written.
    void produce(std::int32_t tensor, i64 r, i64 x, const memory_buffer& b, i64 position) {
        const std::size_t before = operands_.size();
        operands(tensor, r, x);
        for (; operands_.size() > before; operands_.pop_back())
            if (overlap(operands_.back().first, operands_.back().second, static_cast<i64>(b.offset.value) + position,
                        channels(tensor)))
                throw failure("pixel " + std::to_string(r) + ", " + std::to_string(x) + " of t" +
                              std::to_string(tensor) + " is written over what it is computed from");
        m_.write(b, position, tensor, r, x, 0, channels(tensor));
    }

    /// Pixels on their way lie at the start and at the end of the pixel buffer in turn.
    [[nodiscard]] i64 pixel_position(std::int32_t tensor) const {
        return depth(tensor) % 2 == 0 ? 0 : static_cast<i64>(pixel_.size.value) - channels(tensor);
    }
    [[nodiscard]] int depth(std::int32_t tensor) const {
        const op& o = op_of(tensor);
        const auto inputs = m_.g.inputs_of(o);
        if (is_window(o)) return 0;
        if (o.kind == op_kind::scale) return depth(inputs[0]);
        int result = 0;
        for (const std::int32_t input : inputs)
            if (!stored(input)) result = std::max(result, depth(input) + (o.kind == op_kind::add ? 0 : 1));
        return result;
    }
    void materialise(std::int32_t tensor, i64 r, i64 x) {
        const op& o = op_of(tensor);
        if (o.kind != op_kind::scale) return produce(tensor, r, x, pixel_, pixel_position(tensor));
        const std::int32_t map = m_.g.inputs_of(o)[0];  // times the gates, in place
        materialise(map, r, x);
        multiply(pixel_, pixel_position(tensor), map, tensor, gates_, r, x);
    }

    void multiply(const memory_buffer& b, i64 position, std::int32_t map, std::int32_t product,
                  const memory_buffer& gates, i64 r, i64 x) {
        const op& o = op_of(product);
        m_.read(b, position, map, r, x, 0, o.out.channels);
        m_.read(gates, 0, m_.g.inputs_of(o)[1], 0, 0, 0, o.out.channels);
        m_.write(b, position, product, r, x, 0, o.out.channels);
        m_.compute(static_cast<std::size_t>(product) - 1, r, x, o.out.channels);
    }

    /// Kernel scratch holds nothing between rows.
    void spoil_scratch(const op& o, i64 r) {
        i64& row = row_spoiled_[static_cast<std::size_t>(&o - m_.g.ops.data())];
        if (scratch_.size.value > 0 && row != r) m_.arena.spoil(scratch_, 0, 8 * i64{o.in.channels});
        row = r;
    }

    // --- what a part ends with ------------------------------------------------------------------------------------
    template <class F>
    void for_each_pixel(std::int32_t tensor, F&& f) {
        const shape& s = m_.g.shape_of(tensor);
        for (i64 r = 0; r < s.height; ++r) {
            stored(tensor) ? ensure(tensor, r) : prepare(tensor, r);
            for (i64 x = 0; x < s.width; ++x) f(r, x);
        }
    }

    void rows_of_y(std::int32_t tensor) {
        copies_x_ = pixel_by_pixel(tensor);
        for_each_pixel(tensor, [&](i64 r, i64 x) {
            if (copies_x_) {
                m_.read(source(part_.x).buffer, m_.index_of(part_.x, r, x), part_.x, r, x, 0, channels(part_.x));
                m_.write(pixel_, 0, part_.x, r, x, 0, channels(part_.x));
            }
            produce(tensor, r, x, y_, m_.index_of(tensor, r, x));
        });
    }
    /// Whether pixels of y are computed from pixels of whole maps alone, of x among them: they may lie over that.
    [[nodiscard]] bool pixel_by_pixel(std::int32_t tensor) const {
        if (part_.x_arrives) return false;
        bool only_stored = true, reads_x = false;
        const auto look = [&](std::int32_t t, auto&& self) -> void {
            const op& o = op_of(t);
            only_stored &= !is_window(o);
            for (const std::int32_t input : m_.g.inputs_of(o)) {
                reads_x |= input == part_.x;
                if (stored(input)) continue;
                only_stored &= o.kind == op_kind::add;  // the other operators read a pixel on its way
                self(input, self);
            }
        };
        look(tensor, look);
        return only_stored && reads_x;
    }

    void begin_sums(std::int32_t map) {
        m_.arena.write(sums_, 0, m_.tags.sum(map, 0), 4 * channels(map));
        summed_ = 0;
    }
    void add_to_sums(std::int32_t map) {
        m_.arena.read(sums_, 0, m_.tags.sum(map, 0), 4 * channels(map));
        ++summed_;
    }
    /// Sums become means of int8.
    void end_sums(std::int32_t map, std::int32_t mean, const memory_buffer& to) {
        if (summed_ != pixels_of(m_.g.shape_of(map))) throw failure("a sum lacks pixels");
        for (i64 c = 0; c < channels(map); ++c) {
            m_.arena.read(sums_, 4 * c, m_.tags.sum(map, 4 * c), 4);
            m_.write(to, c, mean, 0, 0, c, 1);
        }
        m_.compute(static_cast<std::size_t>(mean) - 1, 0, 0, channels(map));
    }

    void pool(std::int32_t map) {
        for_each_pixel(map, [&](i64 r, i64 x) {
            if (r == 0 && x == 0) begin_sums(map);
            stored(map) ? read_pixel(map, r, x) : operands(map, r, x);
            operands_.clear();
            add_to_sums(map);
        });
        end_sums(map, part_.y, y_);
    }

    /// Means, hidden units and gates all lie in the buffer of the sums.
    void gates_from_sums(std::int32_t map, const op& scale) {
        const std::int32_t gates = m_.g.inputs_of(scale)[1], hidden = gates - 1, mean = gates - 2;
        const i64 c = channels(map), h = channels(hidden);
        end_sums(map, mean, sums_);
        m_.read(sums_, 0, mean, 0, 0, 0, c);
        spoil_scratch(op_of(hidden), -2);
        m_.write(sums_, c, hidden, 0, 0, 0, h);
        m_.compute(static_cast<std::size_t>(hidden) - 1, 0, 0, h);
        m_.read(sums_, 0, mean, 0, 0, 0, c);
        m_.read(sums_, c, hidden, 0, 0, 0, h);
        spoil_scratch(op_of(gates), -2);
        m_.write(sums_, 0, gates, 0, 0, 0, c);
        m_.compute(static_cast<std::size_t>(gates) - 1, 0, 0, c);
        m_.read(sums_, c, hidden, 0, 0, 0, h);
    }

    void squeeze(std::int32_t map) {
        begin_sums(map);
        for_each_pixel(map, [&](i64 r, i64 x) {
            produce(map, r, x, y_, m_.index_of(map, r, x));
            add_to_sums(map);
        });
        gates_from_sums(map, op_of(part_.y));
        const shape s = m_.g.shape_of(map);
        for (i64 r = 0; r < s.height; ++r)
            for (i64 x = 0; x < s.width; ++x) multiply(y_, m_.index_of(map, r, x), map, part_.y, sums_, r, x);
    }

    void two_passes() {
        std::int32_t scale = part_.first + 1;
        while (op_of(scale).kind != op_kind::scale) ++scale;
        const std::int32_t map = m_.g.inputs_of(op_of(scale))[0];
        begin_sums(map);
        for_each_pixel(map, [&](i64 r, i64 x) {
            operands(map, r, x);
            operands_.clear();
            add_to_sums(map);
        });
        gates_from_sums(map, op_of(scale));
        for (store& s : stores_) s.next = 0;
        rows_of_y(part_.y);
    }

    machine& m_;
    const llmnas::plan_part& part_;
    needed_rows needed_;
    std::vector<store> stores_;
    std::vector<std::int32_t> source_;  ///< store of each tensor, -1 for none
    memory_buffer y_, arriving_, pixel_, sums_, gates_, scratch_;
    i64 arrived_ = 0;
    i64 summed_ = 0;
    bool copies_x_ = false;
    std::vector<std::pair<i64, i64>> operands_;  ///< where, how many bytes
    std::vector<i64> row_spoiled_;
};

}  // namespace memory_simulation
