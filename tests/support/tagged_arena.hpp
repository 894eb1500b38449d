// SPDX-License-Identifier: MIT
// Memory in which every byte knows what it holds: which element of which map. Arithmetic is left out; a read checks
// that the bytes still hold what the reader expects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <llmnas/core/graph.hpp>
#include <llmnas/cost/memory_layout.hpp>

namespace memory_simulation {

using llmnas::graph_view;
using llmnas::memory_buffer;
using llmnas::op;
using llmnas::op_kind;
using llmnas::shape;

using i64 = std::int64_t;
using tag = std::uint32_t;

inline constexpr tag garbage = 0;

/// What a plan or an overlay does wrong.
struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline i64 pixels_of(const shape& s) { return i64{s.height} * s.width; }
inline i64 size_of(const shape& s) { return pixels_of(s) * s.channels; }

/// Numbers every element of every map (HWC order), and every byte of the int32 sums over a map, from 1 on.
class tag_numbers {
public:
    explicit tag_numbers(const graph_view& g) {
        tag next = 1;
        const auto add = [&](std::vector<tag>& first, i64 count) {
            first.push_back(next);
            next += static_cast<tag>(count);
        };
        for (std::size_t t = 0; t <= g.ops.size(); ++t) add(maps_, size_of(g.shape_of(static_cast<std::int32_t>(t))));
        for (std::size_t t = 0; t <= g.ops.size(); ++t)
            add(sums_, 4 * i64{g.shape_of(static_cast<std::int32_t>(t)).channels});
        count_ = next;
    }

    [[nodiscard]] tag element(std::int32_t tensor, i64 index) const {
        return maps_[static_cast<std::size_t>(tensor)] + static_cast<tag>(index);
    }
    /// Byte `index` of the sums over a map's pixels.
    [[nodiscard]] tag sum(std::int32_t tensor, i64 index) const {
        return sums_[static_cast<std::size_t>(tensor)] + static_cast<tag>(index);
    }
    [[nodiscard]] std::size_t count() const { return count_; }

    [[nodiscard]] std::string describe(tag value) const {
        if (value == garbage) return "nothing";
        for (std::size_t t = sums_.size(); t-- > 0;)
            if (value >= sums_[t]) return "sum byte " + std::to_string(value - sums_[t]) + " of t" + std::to_string(t);
        std::size_t t = maps_.size() - 1;
        while (value < maps_[t]) --t;
        return "element " + std::to_string(value - maps_[t]) + " of t" + std::to_string(t);
    }

private:
    std::vector<tag> maps_, sums_;
    std::size_t count_ = 0;
};

/// Reads and writes go through a buffer: they fail outside it, and outside the arena.
class tagged_arena {
public:
    tagged_arena(std::size_t size, const tag_numbers& numbers) : cells_(size, garbage), numbers_(&numbers) {
        const std::size_t known = ascending().size();
        if (known < numbers.count() + 1) {
            ascending().resize(numbers.count() + 1);
            for (std::size_t i = known; i < ascending().size(); ++i) ascending()[i] = static_cast<tag>(i);
        }
    }

    /// Writes `count` consecutive tags from `first` on.
    void write(const memory_buffer& b, i64 position, tag first, i64 count) {
        const std::size_t at = locate(b, position, count, "write");
        std::memcpy(&cells_[at], &ascending()[first], static_cast<std::size_t>(count) * sizeof(tag));
        if (at + static_cast<std::size_t>(count) > end_) end_ = at + static_cast<std::size_t>(count);
    }

    /// Fails where the bytes do not hold `count` consecutive tags from `first` on.
    void read(const memory_buffer& b, i64 position, tag first, i64 count) const {
        const std::size_t at = locate(b, position, count, "read");
        if (std::memcmp(&cells_[at], &ascending()[first], static_cast<std::size_t>(count) * sizeof(tag)) == 0) return;
        std::size_t k = 0;
        while (cells_[at + k] == first + k) ++k;
        throw failure("byte " + std::to_string(at + k) + " (" + std::string(name_of(b.kind)) + " of t" +
                      std::to_string(b.tensor) + ") holds " + numbers_->describe(cells_[at + k]) + ", wanted " +
                      numbers_->describe(first + static_cast<tag>(k)));
    }

    /// `count` bytes `step` apart, which hold elements `tag_step` apart: one channel of a row.
    void read_lane(const memory_buffer& b, i64 position, i64 step, tag first, i64 tag_step, i64 count) const {
        const std::size_t at = locate(b, position, (count - 1) * step + 1, "read");
        for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
            const std::size_t cell = at + k * static_cast<std::size_t>(step);
            const tag wanted = first + static_cast<tag>(k * static_cast<std::size_t>(tag_step));
            if (cells_[cell] != wanted) read(b, position + static_cast<i64>(k) * step, wanted, 1);
        }
    }
    void write_lane(const memory_buffer& b, i64 position, i64 step, tag first, i64 tag_step, i64 count) {
        const std::size_t at = locate(b, position, (count - 1) * step + 1, "write");
        for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k)
            cells_[at + k * static_cast<std::size_t>(step)] =
                first + static_cast<tag>(k * static_cast<std::size_t>(tag_step));
        const std::size_t end = at + static_cast<std::size_t>((count - 1) * step) + 1;
        if (end > end_) end_ = end;
    }

    /// Bytes that hold nothing of use any more.
    void spoil(const memory_buffer& b, i64 position, i64 count) {
        const std::size_t at = locate(b, position, count, "write");
        std::memset(&cells_[at], 0, static_cast<std::size_t>(count) * sizeof(tag));
        if (at + static_cast<std::size_t>(count) > end_) end_ = at + static_cast<std::size_t>(count);
    }

    /// memmove within the arena.
    void move(i64 to, i64 from, i64 count) {
        const memory_buffer target{.offset = {static_cast<std::uint64_t>(to)},
                                   .size = {static_cast<std::uint64_t>(count)}};
        static_cast<void>(locate(target, 0, count, "move"));
        std::memmove(&cells_[static_cast<std::size_t>(to)], &cells_[static_cast<std::size_t>(from)],
                     static_cast<std::size_t>(count) * sizeof(tag));
        if (static_cast<std::size_t>(to + count) > end_) end_ = static_cast<std::size_t>(to + count);
    }

    /// End of the highest byte ever written.
    [[nodiscard]] std::size_t end() const { return end_; }

private:
    [[nodiscard]] std::size_t locate(const memory_buffer& b, i64 position, i64 count, const char* what) const {
        const i64 size = static_cast<i64>(b.size.value), at = static_cast<i64>(b.offset.value) + position;
        if (position < 0 || position + count > size)
            throw failure(std::string(what) + " of " + std::to_string(count) + " bytes at " + std::to_string(position) +
                          " in a buffer (" + std::string(name_of(b.kind)) + " of t" + std::to_string(b.tensor) +
                          ") of " + std::to_string(size));
        if (at < 0 || at + count > static_cast<i64>(cells_.size()))
            throw failure(std::string(what) + " up to byte " + std::to_string(at + count) + " of an arena of " +
                          std::to_string(cells_.size()));
        return static_cast<std::size_t>(at);
    }

    static std::vector<tag>& ascending() {  // 0, 1, 2, ...: what consecutive elements look like
        static std::vector<tag> values;
        return values;
    }

    std::vector<tag> cells_;
    const tag_numbers* numbers_;
    std::size_t end_ = 0;
};

[[nodiscard]] inline bool overlap(i64 a, i64 a_size, i64 b, i64 b_size) {
    return a < b + b_size && b < a + a_size && a_size > 0 && b_size > 0;
}

}  // namespace memory_simulation
