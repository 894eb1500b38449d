// SPDX-License-Identifier: MIT
/// \file
/// Counters beside those that decide (cost/terms.hpp): operations as ptflops counts them, for comparison with published
/// figures, and the two parts of flash.
#pragma once

#include <cstdint>
#include <string_view>

#include <llmnas/cost/terms.hpp>

namespace llmnas {

/// What ptflops 0.7.5 (backend "pytorch") prints as MACs for the usual modules: convolutions and linear layers with
/// their biases, 2 an element of batch norm, 1 an element of an activation, 1 an input element of a pooling. The
/// modules of ReLU and pooling call functions that it counts again; of SiLU it counts the function alone. Sigmoid, and
/// sums and products written `+` and `*`, are free. The paper's MACs are of this kind.
struct ptflops_count {
    static constexpr std::string_view name = "ptflops";
    [[nodiscard]] static constexpr operations of(const op& o) noexcept {
        const std::uint64_t elements = o.out.elements();
        std::uint64_t n = saturating_mul(activation_weight(o.activation), elements);
        if (o.has_weights()) {
            n = saturating_add(n, mac_count::of(o).value);
            n = saturating_add(n, saturating_mul((o.bias ? 1U : 0U) + (o.batch_norm ? 2U : 0U), elements));
        } else if (o.kind == op_kind::global_avg_pool || o.kind == op_kind::avg_pool || o.kind == op_kind::max_pool) {
            n = saturating_add(n, saturating_mul(2, o.in.elements()));
        }
        return {n};
    }

private:
    [[nodiscard]] static constexpr std::uint64_t activation_weight(activation_kind a) noexcept {
        if (a == activation_kind::relu) return 2;
        return a == activation_kind::none || a == activation_kind::sigmoid ? 0 : 1;
    }
};

/// The part of int8_flash that holds weights, one byte each.
struct int8_weights {
    static constexpr std::string_view name = "flash: weights";
    [[nodiscard]] static constexpr bytes of(const op& o) noexcept { return {weight_count(o)}; }
};

/// The part of int8_flash that holds constants of output channels: int32 bias, int32 multiplier, int8 shift.
struct int8_constants {
    static constexpr std::string_view name = "flash: constants";
    [[nodiscard]] static constexpr bytes of(const op& o) noexcept {
        if (!o.has_weights()) return {0};
        return {int8_flash::bytes_per_channel * static_cast<std::uint64_t>(o.out.channels)};
    }
};

}  // namespace llmnas
