// SPDX-License-Identifier: MIT
/// \file
/// What a run of steps takes when rows stream through it: only its first and last map are stored, everything between
/// lives in rings of rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/cost/memory/chain.hpp>
#include <llmnas/cost/memory/overlay.hpp>

namespace llmnas::detail {

/// Rows that a step takes in to write one row: row r of its output needs rows stride * r - before to stride * r +
/// after.
struct step_rows {
    std::int64_t stride = 1;
    std::int64_t before = 0;
    std::int64_t after = 0;
};

[[nodiscard]] constexpr step_rows rows_of(const graph_view& g, const chain_step& s) noexcept {
    if (s.window < 0) return {};
    const op& o = g.ops[static_cast<std::size_t>(s.window)];
    return {o.stride_h, o.pad.top, o.kernel_h - 1 - o.pad.top};
}

/// Buffers of one step inside a segment, in bytes; rings and delays also in rows.
struct step_buffers {
    std::int64_t ring_rows = 0;  ///< of the window's input
    std::int64_t ring = 0;
    std::int64_t delay_rows = 0;  ///< of the step's input, for the residual
    std::int64_t delay = 0;
    std::int64_t pixel = 0;  ///< between window and projection
    std::int64_t sums = 0;   ///< of squeeze-and-excitation
};

/// Squeeze-and-excitation in one buffer: int32 sums of all channels; over them, once all are complete, the means;
/// behind the means the hidden units; over the means the gates. All but the sums are int8.
[[nodiscard]] constexpr std::int64_t excitation_bytes(std::int64_t channels, std::int64_t hidden) noexcept {
    return at_least(4 * channels, channels + hidden);
}

/// `resident`: the step's input is a whole map. A window then reads it directly, and a residual needs no rows of its
/// own.
[[nodiscard]] constexpr step_buffers buffers_of(const graph_view& g, const chain_step& s, bool resident) noexcept {
    step_buffers b;
    const auto at = [&](std::int32_t k) -> const op& { return g.ops[static_cast<std::size_t>(k)]; };
    const shape& x = g.shape_of(s.x);
    if (s.window >= 0 && (s.expand >= 0 || !resident)) {
        const op& w = at(s.window);
        b.ring_rows = at_most(w.kernel_h, w.in.height);
        b.ring = b.ring_rows * row_size(w.in);
    }
    if (s.residual() && s.reads_pixels() && !resident) {
        b.delay_rows = at_most(rows_of(g, s).after + 1, x.height);
        b.delay = b.delay_rows * row_size(x);
    }
    if (s.squeeze >= 0)
        b.sums = excitation_bytes(at(s.squeeze).in.channels, at(s.squeeze + 1).out.channels);
    else if (s.window >= 0 && s.project >= 0)
        b.pixel = at(s.window).out.channels;
    return b;
}

/// Number of r >= 0 with factor * r < bound.
[[nodiscard]] constexpr std::int64_t rows_below(std::int64_t bound, std::int64_t factor) noexcept {
    return bound <= 0 ? 0 : (bound - 1) / factor + 1;
}

/// Grows step by step from a first one; size() is what it takes if it ends there.
class segment {
public:
    /// `streamed`: rows of the first input arrive one after the other and are never stored as a map.
    constexpr segment(const graph_view& g, bool streamed) noexcept : g_(g), streamed_(streamed) {}

    /// Whether a step can follow. Regions stand alone; behind a map that squeeze-and-excitation or global pooling needs
    /// whole, a new segment begins.
    [[nodiscard]] constexpr bool takes(const chain_step& s) const noexcept {
        if (s.kind == step_kind::region || closed_) return false;
        return s.held < 0 || (count_ == 0 && !streamed_);
    }

    [[gnu::always_inline]] constexpr void append(const chain_step& s) noexcept {
        const shape& x = g_.shape_of(s.x);
        const step_rows rows = rows_of(g_, s);
        if (count_ == 0) {
            first_ = s;
            x_ = x;
            first_rows_ = rows;
            if (s.held >= 0 && s.held != s.x) held_ = size_of(g_.shape_of(s.held));
        } else {
            if (s.reads_pixels() && !s.residual() && s.kind == step_kind::block)
                pixels_ = at_least(pixels_, mid_ + out_);
            consumed_ += factor_ * rows.after;
            factor_ = at_most(factor_ * rows.stride, std::int64_t{max_extent} * 2);
        }
        const step_buffers b = buffers_of(g_, s, count_ == 0 && !streamed_);
        rings_ += b.ring + b.delay;
        rows_behind_ |= count_ > 0 && b.ring + b.delay > 0;
        pixels_ = at_least(pixels_, b.pixel);
        mid_ = s.window >= 0 || s.residual() || count_ == 0 ? b.pixel : out_;
        out_ = g_.shape_of(s.y).channels;
        sums_ = b.sums;
        y_ = g_.shape_of(s.y);
        closed_ = s.squeeze >= 0 || s.kind == step_kind::pool;
        pooled_ = s.kind == step_kind::pool;
        ++count_;
    }

    /// Offset of the first map behind the last: no row is overwritten before its last read.
    [[nodiscard, gnu::always_inline]] constexpr std::int64_t distance() const noexcept {
        if (streamed_) return 0;
        if (first_.held == first_.x) return size_of(y_);  // the input stays whole
        if (pixel_by_pixel() && !pooled_)
            return at_least(0, (std::int64_t{x_.height} * x_.width - 1) * (std::int64_t{y_.channels} - x_.channels));
        if (!pooled_) return row_distance(row_size(y_), row_size(x_), need());
        // All sums begin with the first row.
        if (count_ == 1) return size_of_last();
        const row_need n = need();
        return n.rows == 0 ? 0 : at_least(0, size_of_last() - row_size(x_) * at_least(0, n.a));
    }
    /// The last map, or the int32 sums that stand for it where a global pooling ends the segment.
    [[nodiscard]] constexpr std::int64_t size_of_last() const noexcept {
        return pooled_ ? 4 * std::int64_t{y_.channels} : size_of(y_);
    }

    /// First and last map, overlaid.
    [[nodiscard, gnu::always_inline]] constexpr std::int64_t maps() const noexcept {
        return at_least(size_of_last(), distance() + (streamed_ ? 0 : size_of(x_)));
    }
    /// The two rows of a streamed input that stand ready, what arrives and what is read.
    [[nodiscard]] constexpr std::int64_t arriving() const noexcept { return streamed_ ? 2 * row_size(x_) : 0; }
    [[nodiscard]] constexpr std::int64_t rings() const noexcept { return rings_; }
    /// Pixels between operators share one place: two of them exist at any time, what an operator reads and what it
    /// writes. A lone pointwise convolution copies the pixel of x that its output may lie over.
    [[nodiscard]] constexpr std::int64_t pixels() const noexcept {
        return count_ == 1 && pixel_by_pixel() ? at_least(pixels_, x_.channels) : pixels_;
    }
    [[nodiscard]] constexpr std::int64_t sums() const noexcept { return sums_; }
    /// What stays whole beside the segment: the input of a block that squeezes before its residual.
    [[nodiscard]] constexpr std::int64_t held() const noexcept { return held_; }

    [[nodiscard, gnu::always_inline]] constexpr std::int64_t size() const noexcept {
        return maps() + arriving() + rings_ + pixels() + sums_ + held();
    }
    /// A bound of size() for this segment and every longer one.
    [[nodiscard]] constexpr std::int64_t at_least_size() const noexcept {
        return (streamed_ ? 0 : size_of(x_)) + arriving() + rings_ + held();
    }

private:
    /// Whether each pixel of the stored first map goes through all steps at once.
    [[nodiscard]] constexpr bool pixel_by_pixel() const noexcept {
        return !streamed_ && !rows_behind_ && first_.window < 0 && first_.kind == step_kind::block;
    }

    /// Rows of the first map that are needed while row r of the last map is written.
    [[nodiscard, gnu::always_inline]] constexpr row_need need() const noexcept {
        const step_rows& f = first_rows_;
        const bool waits = first_.residual() && first_.held < 0;  // the sum reads row r itself
        row_need n{.b = factor_ * f.stride, .rows = y_.height};
        if (!rows_behind_) {
            // The first step reads while the last one writes: nothing between them keeps a row.
            n.a = !first_.reads_pixels() ? -f.before : waits || first_.window < 0 ? 0 : f.after + 1;
        } else {
            // Rows 0 to factor * r + consumed of the first step's output are written before row r of the last map.
            n.a = !first_.reads_pixels() ? (consumed_ + 1) * f.stride - f.before
                  : waits                ? consumed_ + 1
                                         : consumed_ * f.stride + f.after + 1;
            n.rows = at_most(n.rows, rows_below(g_.shape_of(first_.y).height - 1 - consumed_, factor_));
        }
        n.rows = at_most(n.rows, rows_below(x_.height - n.a, n.b));
        return n;
    }

    const graph_view& g_;
    bool streamed_;
    bool closed_ = false;
    bool pooled_ = false;
    bool rows_behind_ = false;  ///< some step behind the first keeps rows
    std::size_t count_ = 0;
    chain_step first_ = make_step(step_kind::region, 0, 0);
    step_rows first_rows_{};
    shape x_{}, y_{};
    std::int64_t factor_ = 1;    ///< rows of the first step's output by row of the last map, steps behind the first
    std::int64_t consumed_ = 0;  ///< rows of the first step's output written ahead
    std::int64_t mid_ = 0;       ///< pixel that the last operator so far reads from the place of pixels
    std::int64_t out_ = 0;       ///< pixel that it writes
    std::int64_t rings_ = 0, pixels_ = 0, sums_ = 0, held_ = 0;
};

}  // namespace llmnas::detail
