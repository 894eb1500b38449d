// SPDX-License-Identifier: MIT
/// \file
/// Which maps exist while an operator runs, one operator after the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/graph.hpp>

namespace llmnas::detail {

[[nodiscard]] constexpr std::int64_t at_least(std::int64_t a, std::int64_t b) noexcept { return a > b ? a : b; }
[[nodiscard]] constexpr std::int64_t at_most(std::int64_t a, std::int64_t b) noexcept { return a < b ? a : b; }

[[nodiscard]] constexpr std::int64_t row_size(const shape& s) noexcept { return std::int64_t{s.width} * s.channels; }

/// Bytes of an int8 map. Extents of a lowered network are at most max_extent: 64 bits hold sums of thousands of maps.
[[nodiscard]] constexpr std::int64_t size_of(const shape& s) noexcept { return row_size(s) * s.height; }

/// Goes through a network operator by operator: `enter` an operator, ask, `leave` it, from the first on.
class live_maps {
public:
    /// Before the first operator.
    constexpr explicit live_maps(const graph_view& g) noexcept : live_maps(g, 0) {}
    /// Before the first operator behind map `x`, which alone exists there.
    constexpr live_maps(const graph_view& g, std::int32_t x) noexcept
        : g_(g), live_(size_of(g.shape_of(x))), out_(live_) {}

    [[gnu::always_inline]] constexpr void enter(std::size_t i) noexcept {
        op_ = &g_.ops[i];
        index_ = static_cast<std::int32_t>(i);
        inputs_ = g_.inputs.data() + op_->first_input;
        in_ = inputs_[0] == index_ ? out_ : size_of(op_->in);
        out_ = size_of(op_->out);
        dies_ = g_.last_use(inputs_[0]) == index_;
    }

    [[nodiscard]] constexpr const graph_view& graph() const noexcept { return g_; }
    [[nodiscard]] constexpr const op& current() const noexcept { return *op_; }
    [[nodiscard]] constexpr std::int32_t index() const noexcept { return index_; }
    /// Bytes of the maps that exist before the operator writes.
    [[nodiscard]] constexpr std::int64_t before() const noexcept { return live_; }
    /// Bytes of its first input and its output.
    [[nodiscard]] constexpr std::int64_t in() const noexcept { return in_; }
    [[nodiscard]] constexpr std::int64_t out() const noexcept { return out_; }
    /// Whether nobody reads the first input behind it.
    [[nodiscard]] constexpr bool input_dies() const noexcept { return dies_; }
    [[nodiscard]] constexpr std::int32_t input(std::int32_t k) const noexcept { return inputs_[k]; }

    /// Adds the output where somebody reads it, takes away the maps that the operator was the last to read, each once.
    [[gnu::always_inline]] constexpr void leave() noexcept {
        if (dies_) live_ -= in_;
        for (std::int32_t k = 1; k < op_->input_count; ++k) {
            if (g_.last_use(inputs_[k]) != index_) continue;
            bool repeated = false;
            for (std::int32_t earlier = 0; earlier < k; ++earlier) repeated |= inputs_[earlier] == inputs_[k];
            if (!repeated) live_ -= size_of(g_.shape_of(inputs_[k]));
        }
        if (op_->last_use != index_ || static_cast<std::size_t>(index_) + 1 == g_.ops.size()) live_ += out_;
    }

private:
    const graph_view& g_;
    const op* op_ = nullptr;
    const std::int32_t* inputs_ = nullptr;
    std::int64_t live_;
    std::int64_t in_ = 0;
    std::int64_t out_;
    std::int32_t index_ = -1;
    bool dies_ = false;
};

/// Calls f(tensor) for each map that exists while operator i runs, its output last.
template <class F>
constexpr void for_each_live_map(const graph_view& g, std::size_t i, F&& f) {
    for (std::size_t t = 0; t <= i; ++t)
        if (g.last_use(static_cast<std::int32_t>(t)) >= static_cast<std::int32_t>(i)) f(static_cast<std::int32_t>(t));
    f(static_cast<std::int32_t>(i) + 1);
}

}  // namespace llmnas::detail
