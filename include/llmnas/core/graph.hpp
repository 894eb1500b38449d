// SPDX-License-Identifier: MIT
/// \file
/// A lowered network: operators in execution order with their inputs, as a view that all formulas take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/core/operators.hpp>

namespace llmnas {

/// Why a network cannot be lowered.
enum class graph_errc : std::uint8_t {
    none,
    input_size,          ///< channels, height or width of the network's input below 1 or above max_extent
    channels,            ///< output channels below 1 or above max_extent
    kernel_size,         ///< kernel below 1 or above max_kernel
    stride,              ///< stride below 1 or above max_kernel
    padding,             ///< padding negative or not smaller than the kernel
    kernel_exceeds_map,  ///< kernel larger than the padded map
    groups,              ///< groups do not divide input and output channels
    shapes_differ,       ///< inputs of a sum or product (or maps of a concatenation) do not fit together
    layers,              ///< number of blocks of a stage below 1 or above max_layers
    block_type,          ///< index outside the list of block types
    expansion_factor,    ///< expansion factor below 1 or above max_extent
    se_ratio,            ///< share of squeeze-and-excitation's hidden channels negative, or a denominator below 1
    compression,         ///< XiNet's gamma below 1 or above max_extent
    field,               ///< another field of a stage out of its legal range: for block types of the user's own
    not_published,       ///< a block reads the map that an earlier one publishes, and none did
    capacity,            ///< more operators than the storage holds
};

/// Legal limits; products of values inside them are computed with saturating arithmetic.
inline constexpr std::int32_t max_extent = 32768;
inline constexpr std::int32_t max_kernel = 255;
inline constexpr std::int32_t max_layers = 64;

[[nodiscard]] constexpr std::string_view name_of(graph_errc e) noexcept {
    constexpr std::string_view names[] = {"none",
                                          "input size",
                                          "output channels",
                                          "kernel size",
                                          "stride",
                                          "padding",
                                          "kernel against padded map",
                                          "groups",
                                          "shapes of joined inputs",
                                          "number of layers",
                                          "block type",
                                          "expansion factor",
                                          "SE ratio",
                                          "compression",
                                          "field",
                                          "published map",
                                          "number of operators"};
    return names[static_cast<std::size_t>(e)];
}

/// The first illegal value met while lowering: what (code), where (origin), got and the limit that it breaks.
struct graph_error {
    graph_errc code = graph_errc::none;
    origin at;
    std::int64_t got = 0;
    std::int64_t limit = 0;

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return code != graph_errc::none; }
};

/// Size of the storage that a lowered network needs.
struct graph_size {
    std::size_t ops = 0;
    std::size_t inputs = 0;
    friend constexpr bool operator==(const graph_size&, const graph_size&) = default;
};

/// Read-only view of a lowered network. Tensor 0 is the network's input, tensor i + 1 the output of operator i.
struct graph_view {
    std::span<const op> ops;
    std::span<const std::int32_t> inputs;  ///< tensor numbers, see op::first_input
    shape input;
    std::int32_t input_last_use;  ///< index of the last operator that reads tensor 0

    /// Index of the last operator that reads a tensor; of one that nobody reads, the operator that writes it.
    [[nodiscard]] constexpr std::int32_t last_use(std::int32_t tensor) const noexcept {
        return tensor > 0 ? ops[static_cast<std::size_t>(tensor) - 1].last_use : input_last_use;
    }

    [[nodiscard]] constexpr std::span<const std::int32_t> inputs_of(const op& o) const noexcept {
        return inputs.subspan(static_cast<std::size_t>(o.first_input), static_cast<std::size_t>(o.input_count));
    }
    [[nodiscard]] constexpr const shape& shape_of(std::int32_t tensor) const noexcept {
        return tensor == 0 ? input : ops[static_cast<std::size_t>(tensor) - 1].out;
    }
    [[nodiscard]] constexpr shape output() const noexcept { return ops.empty() ? input : ops.back().out; }

    /// Equal operators with equal origins on the same input: also the parameters have the same names.
    friend constexpr bool operator==(const graph_view& a, const graph_view& b) noexcept {
        if (!equivalent(a, b)) return false;
        for (std::size_t i = 0; i < a.ops.size(); ++i)
            if (!(a.ops[i].from == b.ops[i].from)) return false;
        return true;
    }

    /// Equal operators in the same order on the same input, wherever they come from: the same network, whatever it was
    /// written as (two stages of one layer, or one of two).
    friend constexpr bool equivalent(const graph_view& a, const graph_view& b) noexcept {
        if (a.input != b.input || a.ops.size() != b.ops.size() || a.inputs.size() != b.inputs.size()) return false;
        for (std::size_t i = 0; i < a.ops.size(); ++i) {
            op o = a.ops[i];
            o.from = b.ops[i].from;
            if (!(o == b.ops[i])) return false;
        }
        for (std::size_t i = 0; i < a.inputs.size(); ++i)
            if (a.inputs[i] != b.inputs[i]) return false;
        return true;
    }
};

/// Storage of fixed size, filled at compile time (a constexpr variable) or on the stack.
template <std::size_t Ops, std::size_t Inputs>
struct static_graph {
    op ops[Ops == 0 ? 1 : Ops]{};
    std::int32_t inputs[Inputs == 0 ? 1 : Inputs]{};
    graph_size used{};
    shape input{};
    std::int32_t input_last_use = 0;
    graph_error error{};

    [[nodiscard]] constexpr graph_view view() const noexcept {
        return {std::span<const op>(ops, used.ops), std::span<const std::int32_t>(inputs, used.inputs), input,
                input_last_use};
    }
};

}  // namespace llmnas
