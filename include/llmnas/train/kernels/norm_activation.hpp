// SPDX-License-Identifier: MIT
/// \file
/// Batch norm with the activation behind it, on maps that are laid out by channels (N x H x W x C). No torch.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <llmnas/core/operators.hpp>
#include <llmnas/train/kernels/float_vectors.hpp>

namespace llmnas::detail {

/// Activations that are computed with the norm; the others follow it as operators of their own.
[[nodiscard]] constexpr bool joins_norm(activation_kind a) noexcept {
    return a == activation_kind::none || a == activation_kind::relu || a == activation_kind::relu6 ||
           a == activation_kind::leaky_relu;
}

inline constexpr float leaky_slope = 0.01F;

template <activation_kind A, class V>
[[gnu::always_inline]] inline void activate(V& z) {
    // Written so that NaN stays NaN.
    const V zero = {};
    if constexpr (A == activation_kind::relu || A == activation_kind::relu6) z = z < zero ? zero : z;
    if constexpr (A == activation_kind::relu6) z = z > zero + 6 ? zero + 6 : z;
    if constexpr (A == activation_kind::leaky_relu) z = z < zero ? z * leaky_slope : z;
}

/// Turns the gradient of the activation's output into that of its input z.
template <activation_kind A, class V>
[[gnu::always_inline]] inline void activate_backward(const V& z, V& gradient) {
    const V zero = {};
    if constexpr (A == activation_kind::relu) gradient = z <= zero ? zero : gradient;
    if constexpr (A == activation_kind::relu6) {
        // One comparison: g++ 12 takes vectors apart to join two.
        V middle = z - 3;
        middle = middle < zero ? -middle : middle;
        gradient = middle >= zero + 3 ? zero : gradient;
    }
    if constexpr (A == activation_kind::leaky_relu) gradient = z <= zero ? gradient * leaky_slope : gradient;
}

/// Calls `f.template operator()<A>()`.
template <class F>
void with_activation(activation_kind a, const F& f) {
    switch (a) {
        case activation_kind::relu:
            return f.template operator()<activation_kind::relu>();
        case activation_kind::relu6:
            return f.template operator()<activation_kind::relu6>();
        case activation_kind::leaky_relu:
            return f.template operator()<activation_kind::leaky_relu>();
        default:
            return f.template operator()<activation_kind::none>();
    }
}

/// `pixels` x `channels` floats, looked at as rows that are a whole number of pixels and of vectors long, so that any
/// number of channels fills its vectors. Work is cut into pieces that depend on the size alone: sums do not depend on
/// the number of threads.
class channel_rows {
public:
    channel_rows(std::int64_t pixels, std::int64_t channels)
        : channels_(channels), row_(std::lcm<std::int64_t>(channels, most_lanes)), values_(pixels * channels) {
        row_ *= (shortest_row + row_ - 1) / row_;
        rows_ = (values_ + row_ - 1) / row_;  // the last one may be cut short
        const std::int64_t rows_a_piece = std::max<std::int64_t>(1, values_a_piece / row_);
        pieces_ = std::max<std::int64_t>(1, rows_ / rows_a_piece);
    }

    [[nodiscard]] std::int64_t channels() const noexcept { return channels_; }
    [[nodiscard]] std::int64_t row() const noexcept { return row_; }
    [[nodiscard]] std::int64_t pieces() const noexcept { return pieces_; }

    /// A value a channel, for each element of a row.
    template <class Value>
    [[nodiscard]] std::vector<float> repeated(const Value& of_channel) const {
        std::vector<float> r(static_cast<std::size_t>(row_));
        for (std::int64_t c = 0; c < channels_; ++c) {
            const auto v = static_cast<float>(of_channel(c));
            for (std::int64_t i = c; i < row_; i += channels_) r[static_cast<std::size_t>(i)] = v;
        }
        return r;
    }

    /// Sum over pieces and pixels, for each channel; `sums` has pieces() x row() values.
    [[nodiscard]] std::vector<double> folded(std::span<const double> sums) const {
        std::vector<double> r(static_cast<std::size_t>(channels_));
        for (std::size_t i = 0; i < sums.size(); ++i) r[i % static_cast<std::size_t>(row_) % r.size()] += sums[i];
        return r;
    }

    /// Calls `work(inputs, count, output)` for the rows of a piece, with where they begin. A row that is cut short is a
    /// copy, filled up with `filling` (a value an element; null: zeros). `output` may be null.
    template <std::size_t Inputs, class Work>
    void visit(std::int64_t piece, const std::array<const float*, Inputs>& inputs, float* output, const float* filling,
               const Work& work) const {
        const auto from = [&](std::int64_t first) {
            std::array<const float*, Inputs> at = inputs;
            for (const float*& p : at) p += first;
            return at;
        };
        const std::int64_t whole = values_ / row_;
        const std::int64_t begin = rows_ * piece / pieces_;
        const std::int64_t end = std::min(rows_ * (piece + 1) / pieces_, whole);
        if (end > begin) work(from(begin * row_), end - begin, output != nullptr ? output + begin * row_ : nullptr);
        const std::int64_t rest = values_ - whole * row_;
        if (piece != pieces_ - 1 || rest == 0) return;
        std::vector<float> copies(static_cast<std::size_t>(row_) * (Inputs + 1));
        std::array<const float*, Inputs> at = from(whole * row_);
        for (std::size_t i = 0; i < Inputs; ++i) {
            float* copy = copies.data() + i * static_cast<std::size_t>(row_);
            if (filling != nullptr) std::copy_n(filling, row_, copy);
            std::copy_n(at[i], rest, copy);
            at[i] = copy;
        }
        float* written = copies.data() + Inputs * static_cast<std::size_t>(row_);
        work(at, 1, output != nullptr ? written : nullptr);
        if (output != nullptr) std::copy_n(written, rest, output + whole * row_);
    }

private:
    static constexpr std::int64_t shortest_row = 256;
    static constexpr std::int64_t values_a_piece = 1 << 16;

    std::int64_t channels_;
    std::int64_t row_;
    std::int64_t values_;
    std::int64_t rows_ = 0;
    std::int64_t pieces_ = 0;
};

/// Calls `add(begin, end, held)` for a few rows at a time: few enough that the rounding of what it adds to the 2 x
/// `row` floats at `held` stays that of short sums. These go into `first` and `second`.
template <class Add>
void add_short_sums(std::int64_t rows, std::int64_t row, double* first, double* second, const Add& add) {
    constexpr std::int64_t rows_a_sum = 64;
    std::vector<float> held(static_cast<std::size_t>(2 * row));
    for (std::int64_t begin = 0; begin < rows; begin += rows_a_sum) {
        std::fill(held.begin(), held.end(), 0.0F);
        add(begin, std::min(rows, begin + rows_a_sum), held.data());
        for (std::int64_t i = 0; i < row; ++i) {
            first[i] += static_cast<double>(held[static_cast<std::size_t>(i)]);
            second[i] += static_cast<double>(held[static_cast<std::size_t>(row + i)]);
        }
    }
}

/// sums[i] += x - shift and squares[i] += (x - shift)^2 over `rows` rows of `row` values.
inline void add_moments(const float* x, const float* shift, std::int64_t rows, std::int64_t row, double* sums,
                        double* squares) {
    add_short_sums(rows, row, sums, squares, [=](std::int64_t begin, std::int64_t end, float* held) {
        on_float_vectors([=]<int Lanes>() __attribute__((always_inline)) {
            using V = typename float_lanes<Lanes>::type;
            for (std::int64_t r = begin; r < end; ++r)
                for (std::int64_t i = 0; i < row; i += Lanes) {
                    V v, s, sum, square;
                    load(v, x + r * row + i);
                    load(s, shift + i);
                    load(sum, held + i);
                    load(square, held + row + i);
                    v -= s;
                    sum += v;
                    square += v * v;
                    store(held + i, sum);
                    store(held + row + i, square);
                }
        });
    });
}

/// y = activation(x * scale + offset).
inline void normalise_rows(activation_kind activation, const float* x, const float* scale, const float* offset,
                           std::int64_t rows, std::int64_t row, float* y) {
    with_activation(activation, [=]<activation_kind A>() {
        on_float_vectors([=]<int Lanes>() __attribute__((always_inline)) {
            using V = typename float_lanes<Lanes>::type;
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t i = 0; i < row; i += Lanes) {
                    V v, a, b;
                    load(v, x + r * row + i);
                    load(a, scale + i);
                    load(b, offset + i);
                    v = v * a + b;
                    activate<A>(v);
                    store(y + r * row + i, v);
                }
        });
    });
}

/// With z = x * scale + offset and d the gradient of z: sums[i] += d, products[i] += d * (x - mean).
inline void add_gradient_sums(activation_kind activation, const float* x, const float* gradient, const float* scale,
                              const float* offset, const float* mean, std::int64_t rows, std::int64_t row, double* sums,
                              double* products) {
    with_activation(activation, [=]<activation_kind A>() {
        add_short_sums(rows, row, sums, products, [=](std::int64_t begin, std::int64_t end, float* held) {
            on_float_vectors([=]<int Lanes>() __attribute__((always_inline)) {
                using V = typename float_lanes<Lanes>::type;
                for (std::int64_t r = begin; r < end; ++r)
                    for (std::int64_t i = 0; i < row; i += Lanes) {
                        V v, d, a, b, m, sum, product;
                        load(v, x + r * row + i);
                        load(d, gradient + r * row + i);
                        load(a, scale + i);
                        load(b, offset + i);
                        load(m, mean + i);
                        load(sum, held + i);
                        load(product, held + row + i);
                        activate_backward<A>(v * a + b, d);
                        sum += d;
                        product += d * (v - m);
                        store(held + i, sum);
                        store(held + row + i, product);
                    }
            });
        });
    });
}

/// out = d * scale + (x - mean) * slope + level.
inline void write_gradient_rows(activation_kind activation, const float* x, const float* gradient, const float* scale,
                                const float* offset, const float* mean, const float* slope, const float* level,
                                std::int64_t rows, std::int64_t row, float* out) {
    with_activation(activation, [=]<activation_kind A>() {
        on_float_vectors([=]<int Lanes>() __attribute__((always_inline)) {
            using V = typename float_lanes<Lanes>::type;
            for (std::int64_t r = 0; r < rows; ++r)
                for (std::int64_t i = 0; i < row; i += Lanes) {
                    V v, d, a, b, m, q, l;
                    load(v, x + r * row + i);
                    load(d, gradient + r * row + i);
                    load(a, scale + i);
                    load(b, offset + i);
                    load(m, mean + i);
                    load(q, slope + i);
                    load(l, level + i);
                    activate_backward<A>(v * a + b, d);
                    v = d * a + ((v - m) * q + l);
                    store(out + r * row + i, v);
                }
        });
    });
}

}  // namespace llmnas::detail
