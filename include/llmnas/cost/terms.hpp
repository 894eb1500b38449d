// SPDX-License-Identifier: MIT
/// \file
/// Cost formulas, each written once over one operator: MACs, trainable parameters and int8 flash.
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/core/graph.hpp>

namespace llmnas {

/// Weights of a convolution or linear layer, without bias; 0 for every other operator.
[[nodiscard]] constexpr std::uint64_t weight_count(const op& o) noexcept {
    if (o.kind == op_kind::linear) return saturating_mul(o.in.elements(), static_cast<std::uint64_t>(o.out.channels));
    if (o.kind != op_kind::conv) return 0;
    const auto window = saturating_mul(static_cast<std::uint64_t>(o.kernel_h), static_cast<std::uint64_t>(o.kernel_w));
    const auto inputs = static_cast<std::uint64_t>(o.groups == 1 ? o.in.channels : o.in.channels / o.groups);
    return saturating_mul(saturating_mul(window, inputs), static_cast<std::uint64_t>(o.out.channels));
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
        const auto pixels =
            saturating_mul(static_cast<std::uint64_t>(o.out.height), static_cast<std::uint64_t>(o.out.width));
        return {saturating_mul(weight_count(o), pixels)};
    }
};

/// Trainable parameters: weights, biases and the affine part of batch norm (2 per channel).
struct parameter_count {
    static constexpr std::string_view name = "parameters";
    [[nodiscard]] static constexpr params of(const op& o) noexcept {
        if (!o.has_weights()) return {0};
        const auto per_channel = static_cast<std::uint64_t>(o.bias ? 1 : 0) + (o.batch_norm ? 2 : 0);
        return {saturating_add(weight_count(o), per_channel * static_cast<std::uint64_t>(o.out.channels))};
    }
};

/// Flash of the int8 network: one byte a weight and 9 bytes an output channel (int32 bias, int32 multiplier, int8
/// shift), batch norm folded. Code is not counted.
struct int8_flash {
    static constexpr std::string_view name = "flash";
    static constexpr std::uint64_t bytes_per_channel = 9;
    [[nodiscard]] static constexpr bytes of(const op& o) noexcept {
        if (!o.has_weights()) return {0};
        return {saturating_add(weight_count(o), bytes_per_channel * static_cast<std::uint64_t>(o.out.channels))};
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
