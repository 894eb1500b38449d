// SPDX-License-Identifier: MIT
// Memory models a to g of the paper's networks a second time, as plainly as possible: written from the description of
// the models, without the library's operators or formulas. It walks the stages, visits every pixel and row, and tries
// every cut. Sizes are bytes of int8 maps, height x width x channels.
//
// Conventions: the first block of a part reads a stored input directly, for its window as for its residual, and all
// other blocks rings and delays of rows; squeeze-and-excitation scales its map whole and in place and ends a part
// there, with the input of a residual around it whole beside the map; int32 sums of a global pooling begin with the
// first row of the last map, while the block before it still reads; rows arrive for the first part only, and not if its
// first block needs the input whole.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <llmnas/core/architecture.hpp>

namespace brute_force {

using i64 = std::int64_t;
inline constexpr i64 impossible = std::numeric_limits<i64>::max();

struct map {
    i64 c = 1, h = 1, w = 1;
    [[nodiscard]] i64 size() const { return c * h * w; }
    [[nodiscard]] i64 row() const { return c * w; }
};

// x -> (expansion) m -> (depthwise) d -> (SE) -> (projection) y -> (residual) y.
struct block {
    map x, m, d, y;
    i64 k = 1, p = 0, s = 1, hidden = 0;
    bool mb = false, se = false, residual = false, projected = false;
    int first_op = 0, last_op = 0;

    [[nodiscard]] i64 ring() const { return mb ? std::min(k, m.h) * m.row() : 0; }
    [[nodiscard]] i64 plane() const { return (m.h + 2 * p) * (m.w + 2 * p); }
    // int32 sums; in the same bytes then the means and behind them the hidden units, and the gates over the means.
    [[nodiscard]] i64 se_temporaries() const { return std::max(4 * d.c, d.c + hidden); }
};

enum class kind { pointwise, depthwise, pool, scale, add, linear };

// One operator that runs alone. `in` is the main input, `beside` every other map that exists while it runs, its other
// inputs included. `dies`: nobody reads `in` afterwards.
struct operation {
    brute_force::kind kind = kind::pointwise;
    map in, out;
    i64 beside = 0;
    bool dies = true;
    i64 k = 1, p = 0, s = 1;
};

struct peak {
    i64 size = 0;
    int at = -1;
};

// A buffer of model b that exists from operator `from` to operator `to`.
struct lifetime {
    i64 size = 0;
    int from = 0, to = 0;
    i64 offset = -1;
};

enum class step_kind { block, to_pooling, from_gates, pool, linear };

struct step {
    step_kind kind = step_kind::block;
    block b;
    std::vector<operation> operations;
    int first_op = 0, last_op = 0;
};

struct walk {
    std::vector<step> steps;
    std::vector<operation> operations;
    std::vector<lifetime> buffers;  // in the order in which TFLite Micro lists them: maps, then scratch
    i64 output_channels = 0;        // of all convolutions and linear layers

    explicit walk(const llmnas::architecture<5>& net) {
        map x{net.input.channels, net.input.height, net.input.width};
        std::vector<lifetime> scratch;
        std::vector<std::pair<int, int>> maps;  // first and last operator of each map
        std::vector<i64> sizes;
        const auto new_map = [&](i64 size, int from) {
            maps.emplace_back(from, from);
            sizes.push_back(size);
            return maps.size() - 1;
        };
        const auto now = [&] { return static_cast<int>(operations.size()); };
        const auto read = [&](std::size_t id) { maps[id].second = now(); };
        std::size_t x_id = new_map(x.size(), 0);
        for (const llmnas::stage& st : net.stages)
            for (int n = 0; n < st.num_layers; ++n) {
                block b;
                b.mb = st.conv_type == llmnas::block_type::mbconv;
                b.se = st.use_se;
                b.k = st.kernel_size;
                b.p = b.k / 2;
                b.s = n == 0 ? st.stride : 1;
                b.x = b.m = x;
                if (b.mb) b.m.c = x.c * st.expansion_factor;
                b.d = {b.m.c, (x.h + 2 * b.p - b.k) / b.s + 1, (x.w + 2 * b.p - b.k) / b.s + 1};
                b.y = {st.output_channels, b.d.h, b.d.w};
                b.residual = st.skip_op == llmnas::skip_kind::residual && b.s == 1;
                b.projected = b.residual && b.y.c != x.c;
                b.hidden = b.se ? std::max<i64>(1, b.d.c * st.se_ratio.num / st.se_ratio.den) : 0;
                b.first_op = now();
                const i64 held = b.residual ? x.size() : 0;

                std::size_t id = x_id;
                step first{b.se ? step_kind::to_pooling : step_kind::block, b, {}, now(), now()};
                const auto emit = [&](const operation& o, step& to) {
                    read(id);
                    id = new_map(o.out.size(), now());
                    operations.push_back(o);
                    to.operations.push_back(o);
                    to.last_op = now() - 1;
                };
                if (b.mb) {
                    emit({kind::pointwise, b.x, b.m, 0, !b.residual}, first);
                    output_channels += b.m.c;
                }
                if (b.k != 3) scratch.push_back({2 * b.m.c * b.k * b.k, now(), now()});
                emit({kind::depthwise, b.m, b.d, b.mb ? held : 0, b.mb || !b.residual, b.k, b.p, b.s}, first);
                output_channels += b.d.c;
                step second{step_kind::from_gates, b, {}, now(), now()};
                if (b.se) {
                    const std::size_t d_id = id;
                    const map vector{b.d.c, 1, 1}, hidden{b.hidden, 1, 1};
                    scratch.push_back({4 * b.d.c, now(), now()});
                    emit({kind::pool, b.d, vector, held, false}, first);
                    emit({kind::pointwise, vector, hidden, b.d.size() + held, true}, first);
                    emit({kind::pointwise, hidden, vector, b.d.size() + held, true}, first);
                    output_channels += b.hidden + b.d.c;
                    second.first_op = now();
                    read(d_id);
                    emit({kind::scale, b.d, b.d, vector.size() + held, true}, second);
                }
                step& last = b.se ? second : first;
                emit({kind::pointwise, b.d, b.y, held, true}, last);
                output_channels += b.y.c;
                if (b.residual) {
                    std::size_t main = id;
                    if (b.projected) {
                        id = x_id;
                        emit({kind::pointwise, b.x, b.y, b.y.size(), true}, last);
                        output_channels += b.y.c;
                        std::swap(id, main);
                        read(main);
                        emit({kind::add, b.y, b.y, b.y.size(), true}, last);
                    } else {
                        read(x_id);
                        emit({kind::add, b.y, b.y, b.x.size(), true}, last);
                    }
                }
                b.last_op = now() - 1;
                first.b = second.b = b;
                steps.push_back(first);
                if (b.se) steps.push_back(second);
                x = b.y;
                x_id = id;
            }
        const map pooled{x.c, 1, 1}, classes{net.classes, 1, 1};
        step pool{step_kind::pool, {}, {}, now(), now()};
        pool.b.x = x;
        pool.b.y = pooled;
        scratch.push_back({4 * x.c, now(), now()});
        read(x_id);
        x_id = new_map(pooled.size(), now());
        pool.operations.push_back({kind::pool, x, pooled, 0, true});
        operations.push_back(pool.operations.back());
        steps.push_back(pool);
        step linear{step_kind::linear, {}, {}, now(), now()};
        linear.b.x = pooled;
        linear.b.y = classes;
        read(x_id);
        new_map(classes.size(), now());
        linear.operations.push_back({kind::linear, pooled, classes, 0, true});
        operations.push_back(linear.operations.back());
        steps.push_back(linear);
        output_channels += net.classes;
        for (std::size_t i = 0; i < maps.size(); ++i) buffers.push_back({sizes[i], maps[i].first, maps[i].second});
        buffers.insert(buffers.end(), scratch.begin(), scratch.end());
    }
};

// --- a, c: whole maps
// -------------------------------------------------------------------------------------------------

inline peak layerwise(const walk& n) {
    peak best;
    for (std::size_t i = 0; i < n.operations.size(); ++i) {
        const operation& o = n.operations[i];
        const i64 live = o.in.size() + o.out.size() + o.beside;
        if (live >= best.size) best = {live, static_cast<int>(i)};
    }
    return best;
}

struct with_overhead {
    peak maps;
    i64 overhead = 0;
};

inline with_overhead in_place_depthwise(const walk& n) {
    with_overhead best;
    for (std::size_t i = 0; i < n.operations.size(); ++i) {
        const operation& o = n.operations[i];
        const bool over = o.kind == kind::depthwise && o.dies;
        const i64 own = over ? std::max(o.in.size(), o.out.size()) : o.in.size() + o.out.size();
        if (own + o.beside >= best.maps.size) best.maps = {own + o.beside, static_cast<int>(i)};
        if (o.kind == kind::depthwise)
            best.overhead = std::max(best.overhead, 2 * (o.in.h + 2 * o.p) * (o.in.w + 2 * o.p));
    }
    return best;
}

// --- b: every buffer in one place
// -------------------------------------------------------------------------------------

// Largest first; each at the lowest multiple of 16 at which it meets no placed buffer of an overlapping lifetime. Such
// an offset is 0 or the end of a placed buffer.
inline with_overhead arena(const walk& n) {
    std::vector<lifetime> all = n.buffers;
    for (lifetime& b : all) b.size = (b.size + 15) / 16 * 16;
    std::stable_sort(all.begin(), all.end(), [](const lifetime& a, const lifetime& b) { return a.size > b.size; });
    i64 end = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        lifetime& b = all[i];
        std::vector<i64> candidates{0};
        for (std::size_t j = 0; j < i; ++j) candidates.push_back(all[j].offset + all[j].size);
        i64 lowest = impossible;
        for (const i64 at : candidates) {
            bool free = true;
            for (std::size_t j = 0; j < i && free; ++j)
                free = all[j].to < b.from || b.to < all[j].from || at + b.size <= all[j].offset ||
                       all[j].offset + all[j].size <= at;
            if (free) lowest = std::min(lowest, at);
        }
        b.offset = lowest;
        end = std::max(end, lowest + b.size);
    }
    return {{end, -1}, 8 * n.output_channels};
}

// --- d: one operator after the other, output over input
// ---------------------------------------------------------------

// Bytes of both maps when output pixels are written in order from address 0, and an input pixel must not be written
// over before the last output pixel that reads it is done. From the last pixel to the first, so that `needed` is the
// first input pixel that any later output pixel reads.
inline i64 overlay_by_pixels(const operation& o) {
    i64 distance = 0;
    i64 needed = impossible;
    for (i64 y = o.out.h - 1; y >= 0; --y)
        for (i64 x = o.out.w - 1; x >= 0; --x) {
            const i64 written = (y * o.out.w + x + 1) * o.out.c;
            if (needed != impossible) distance = std::max(distance, written - needed * o.in.c);
            needed = std::min(needed, std::max<i64>(0, y * o.s - o.p) * o.in.w + std::max<i64>(0, x * o.s - o.p));
        }
    return std::max(o.out.size(), distance + o.in.size());
}

inline i64 overlaid_alone(const operation& o) {
    switch (o.kind) {
        case kind::pointwise:
            return o.beside + (o.dies ? overlay_by_pixels(o) + o.in.c : o.in.size() + o.out.size());
        case kind::depthwise:
            return o.beside + (o.dies ? overlay_by_pixels(o) : o.in.size() + o.out.size());
        case kind::scale:
        case kind::add:
            return o.beside + o.in.size();
        case kind::pool:
        case kind::linear:
            break;
    }
    return o.beside + o.in.size() + o.out.size();
}

inline peak overlaid(const walk& n) {
    peak best;
    for (std::size_t i = 0; i < n.operations.size(); ++i)
        if (const i64 size = overlaid_alone(n.operations[i]); size > best.size) best = {size, static_cast<int>(i)};
    return best;
}

// --- e, f, g: rows
// ----------------------------------------------------------------------------------------------------

// First row of the segment's input that is still read once the writing of row r of its last map has begun. Everything
// before the last map is produced no further than row r asks for. `from` and `to` are the first and last step that
// work on rows.
inline i64 first_row_needed(const walk& n, std::size_t from, std::size_t to, i64 r) {
    const auto pad = [](const step& s) { return s.kind == step_kind::from_gates ? 0 : s.b.p; };
    const auto stride = [](const step& s) { return s.kind == step_kind::from_gates ? 1 : s.b.s; };
    const auto height = [](const step& s) { return s.kind == step_kind::from_gates ? s.b.d.h : s.b.x.h; };
    i64 row = r;  // of the first step's output
    for (std::size_t i = to; i > from; --i)
        row = std::min(height(n.steps[i]) - 1, row * stride(n.steps[i]) + pad(n.steps[i]));
    const step& first = n.steps[from];
    // Alone, the first step reads while it writes row r; otherwise row `row` of its output is done.
    const i64 next = from == to ? row : row + 1;
    if (next >= first.b.d.h) return impossible;
    if (first.kind == step_kind::from_gates) return next;
    const i64 expanded = std::min(first.b.x.h - 1, row * first.b.s + first.b.p) + 1;
    if (first.b.mb) return first.b.residual ? std::min(expanded, next) : expanded;
    return std::max<i64>(0, next * first.b.s - first.b.p);
}

// First and last map of a segment in one buffer, by rows.
inline i64 overlay_by_rows(const walk& n, std::size_t from, std::size_t to, const map& y, bool pooled) {
    const step& first = n.steps[from];
    const map& x = first.kind == step_kind::from_gates ? first.b.d : first.b.x;
    const i64 out_size = pooled ? 4 * y.c : y.size();
    const i64 out_row = pooled ? 4 * y.c : y.row();  // all sums begin at row 0
    i64 distance = 0;
    for (i64 r = 0; r < (pooled ? 1 : y.h); ++r) {
        const i64 needed = first_row_needed(n, from, to, r);
        if (needed < x.h) distance = std::max(distance, (r + 1) * out_row - needed * x.row());
    }
    return std::max(out_size, distance + x.size());
}

// Steps from .. end - 1 as one streamed part. `arriving`: the rows of the first map come from outside.
inline i64 streamed(const walk& n, std::size_t from, std::size_t end, bool arriving) {
    const auto whole = [](const step& s) { return s.kind == step_kind::to_pooling && s.b.residual; };
    for (std::size_t i = from; i < end; ++i) {
        const step& s = n.steps[i];
        if (s.kind == step_kind::linear) return impossible;
        if (i + 1 < end && (s.kind == step_kind::to_pooling || s.kind == step_kind::pool)) return impossible;
        if (i > from && (s.kind == step_kind::from_gates || whole(s))) return impossible;
    }
    const step& first = n.steps[from];
    const step& last = n.steps[end - 1];
    if (first.kind == step_kind::pool) return arriving ? impossible : first.b.x.size() + 4 * first.b.x.c;
    if (arriving && (whole(first) || first.kind == step_kind::from_gates)) return impossible;
    if (first.kind == step_kind::from_gates && end == from + 1)
        return std::max(first.b.d.size(), first.b.y.size()) + first.b.d.c + (first.b.residual ? first.b.x.size() : 0);

    const bool pooled = last.kind == step_kind::pool;
    const map& y = pooled ? last.b.x : last.kind == step_kind::to_pooling ? last.b.d : last.b.y;
    i64 size = 0;
    if (arriving)
        size = (pooled ? 4 * y.c : y.size()) + 2 * first.b.x.row();
    else if (whole(first))
        size = first.b.x.size() + y.size();
    else
        size = overlay_by_rows(n, from, end - (pooled ? 2 : 1), y, pooled);
    if (first.kind == step_kind::from_gates && first.b.residual) size += first.b.x.size();

    i64 pixels = 0;
    for (std::size_t i = from; i < end; ++i) {
        const step& s = n.steps[i];
        if (s.kind == step_kind::pool) break;
        const bool direct = i == from && !arriving;  // reads a whole map
        // A projection behind gates reads its pixels where they are stored.
        i64 pixel = s.kind == step_kind::to_pooling || s.kind == step_kind::from_gates ? 0 : s.b.d.c;
        if (i + 1 < end) {
            const step& next = n.steps[i + 1];
            if (next.kind != step_kind::pool && next.b.mb && !next.b.residual) pixel += s.b.y.c;
        }
        pixels = std::max(pixels, pixel);
        if (s.kind == step_kind::from_gates) continue;
        size += s.b.ring();
        if (!s.b.mb && !direct) size += std::min(s.b.k, s.b.x.h) * s.b.x.row();
        if (s.b.mb && s.b.residual && !direct) size += std::min(s.b.p + 1, s.b.x.h) * s.b.x.row();
        if (s.kind == step_kind::to_pooling) size += s.b.se_temporaries();
    }
    return size + pixels;
}

// The operators of one step one after the other.
inline i64 one_by_one(const step& s) {
    i64 largest = 0;
    for (const operation& o : s.operations) {
        i64 size = overlaid_alone(o);
        if (o.kind == kind::depthwise && o.dies)
            size = std::min(size, o.beside + std::max(o.in.size(), o.out.size()) + s.b.plane());
        largest = std::max(largest, size);
    }
    return largest;
}

// A block with squeeze-and-excitation whose rows stream twice, so that the map before the pooling is never stored. Both
// passes have one layout: the maps, the ring, and behind it first the sums, then gates and a pixel.
inline i64 two_passes(const walk& n, std::size_t from) {
    const block& b = n.steps[from].b;
    return overlay_by_rows(n, from, from, b.y, false) + b.ring() + std::max(b.se_temporaries(), b.d.c + b.d.c);
}

struct fused_peak {
    i64 size = 0;
    int first_op = 0, last_op = 0;  // of the first step with this size
};

inline fused_peak fused_blocks(const walk& n) {
    fused_peak best;
    for (std::size_t i = 0; i < n.steps.size(); ++i) {
        const step& s = n.steps[i];
        const bool outside = s.kind == step_kind::pool || s.kind == step_kind::linear;
        const i64 size = outside ? overlaid_alone(s.operations.front()) : streamed(n, i, i + 1, false);
        if (size > best.size) best = {size, s.first_op, s.last_op};
    }
    return best;
}

// Smallest peak of steps from .. end, over all cuts.
class cuts {
public:
    cuts(const walk& n, bool rows, bool two_pass)
        : n_(n),
          arriving_(rows && !(n.steps[0].kind == step_kind::to_pooling && n.steps[0].b.residual)),
          two_pass_(two_pass),
          memo_(n.steps.size() + 1, -1) {}

    i64 from(std::size_t i) {
        if (i == n_.steps.size()) return 0;
        if (memo_[i] >= 0) return memo_[i];
        const bool arriving = arriving_ && i == 0;
        i64 best = impossible;
        for (std::size_t end = i + 1; end <= n_.steps.size(); ++end) {
            const i64 size = streamed(n_, i, end, arriving);
            if (size == impossible) break;  // and so are all longer ones
            best = std::min(best, std::max(size, from(end)));
        }
        if (!arriving) best = std::min(best, std::max(one_by_one(n_.steps[i]), from(i + 1)));
        if (two_pass_ && !arriving && n_.steps[i].kind == step_kind::to_pooling)
            best = std::min(best, std::max(two_passes(n_, i), from(i + 2)));
        return memo_[i] = best;
    }

private:
    const walk& n_;
    bool arriving_, two_pass_;
    std::vector<i64> memo_;
};

inline i64 planned(const walk& n, bool rows, bool two_pass = false) { return cuts(n, rows, two_pass).from(0); }

// Everything before the first block with squeeze-and-excitation streams as one part, or everything up to the pooling.
inline i64 streamed_prefix(const walk& n, bool rows) {
    std::size_t end = 0;
    while (n.steps[end].kind == step_kind::block) ++end;
    if (n.steps[end].kind == step_kind::pool) ++end;
    if (end == 0) return planned(n, rows);
    return std::max(streamed(n, 0, end, rows), cuts(n, false, false).from(end));
}

}  // namespace brute_force
