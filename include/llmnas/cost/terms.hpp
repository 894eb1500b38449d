// SPDX-License-Identifier: MIT
/// \file
/// Cost formulas, each written once over one operator: MACs, trainable parameters and int8 flash.
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Weights of a convolution or linear layer, without bias; 0 for every other operator. Within the legal limits of
/// core/graph.hpp at most 2^60.
[[nodiscard]] constexpr std::uint64_t weight_count(const op& o) noexcept {
    const auto of = [](std::int32_t n) { return static_cast<std::uint64_t>(n); };
    if (o.kind == op_kind::linear) return of(o.in.channels) * of(o.in.height) * of(o.in.width) * of(o.out.channels);
    if (o.kind != op_kind::conv) return 0;
    const std::int32_t inputs = o.groups == 1               ? o.in.channels
                                : o.groups == o.in.channels ? 1
                                                            : o.in.channels / o.groups;
    return of(o.kernel_h * o.kernel_w) * of(inputs) * of(o.out.channels);
}

/// A formula that gives the share of one operator in a cost that adds up over a network.
template <class T>
concept CostTerm = requires(const op& o) {
    { T::name } -> std::convertible_to<std::string_view>;
    requires Quantity<decltype(T::of(o))>;
};

/// Multiply-accumulates of convolutions and linear layers, nothing else: bias, batch norm, activations and pooling are
/// not counted (docs/cost.md says how this compares with the paper's figures).
struct mac_count {
    static constexpr std::string_view name = "MACs";
    [[nodiscard]] static constexpr macs of(const op& o) noexcept {
        const auto pixels = static_cast<std::uint64_t>(o.out.height) * static_cast<std::uint64_t>(o.out.width);
        return {saturating_mul(weight_count(o), pixels)};
    }
};

/// Trainable parameters: weights, biases and the affine part of batch norm (2 per channel).
struct parameter_count {
    static constexpr std::string_view name = "parameters";
    [[nodiscard]] static constexpr params of(const op& o) noexcept {
        if (!o.has_weights()) return {0};
        const auto per_channel = static_cast<std::uint64_t>(o.bias ? 1 : 0) + (o.batch_norm ? 2 : 0);
        return {weight_count(o) + per_channel * static_cast<std::uint64_t>(o.out.channels)};
    }
};

/// Flash of the int8 network: one byte a weight and 9 bytes an output channel (int32 bias, int32 multiplier, int8
/// shift), batch norm folded. Code is not counted.
struct int8_flash {
    static constexpr std::string_view name = "flash";
    static constexpr std::uint64_t bytes_per_channel = 9;
    [[nodiscard]] static constexpr bytes of(const op& o) noexcept {
        if (!o.has_weights()) return {0};
        return {weight_count(o) + bytes_per_channel * static_cast<std::uint64_t>(o.out.channels)};
    }
};

/// Sum of a cost over a network.
template <CostTerm Term>
[[nodiscard]] constexpr auto total(const graph_view& g) noexcept {
    decltype(Term::of(op{})) sum{};
    for (const op& o : g.ops) sum += Term::of(o);
    return sum;
}

}  // namespace llmnas
