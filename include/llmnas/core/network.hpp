// SPDX-License-Identifier: MIT
/// \file
/// Networks: whatever lowers to operators; and `network<design>`, a fixed design as a type with its lowered graph.
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/graph_builder.hpp>

namespace llmnas {

/// A value with an input shape that appends its operators to a graph_builder.
template <class N>
concept LowersToOperators = requires(const N& n, graph_builder& g) {
    { n.input } -> std::convertible_to<shape>;
    n.lower(g);
};

/// Storage that the network's operators need, and the first illegal value where there is one.
template <LowersToOperators N>
[[nodiscard]] constexpr graph_size measure(const N& net, graph_error* error = nullptr) {
    graph_builder counter(net.input);
    net.lower(counter);
    if (error) *error = counter.error();
    return counter.size();
}

/// First illegal value of a network, or none.
template <LowersToOperators N>
[[nodiscard]] constexpr graph_error check(const N& net) {
    graph_error error;
    static_cast<void>(measure(net, &error));
    return error;
}

/// Lowers into storage on the stack. A network with more operators than the storage ends as graph_errc::capacity.
template <std::size_t Ops, std::size_t Inputs, LowersToOperators N>
[[nodiscard]] constexpr static_graph<Ops, Inputs> lower_into(const N& net) {
    static_graph<Ops, Inputs> g;
    graph_builder builder(net.input, g.ops, g.inputs);
    net.lower(builder);
    g.used = builder.size();
    if (builder.error().code != graph_errc::input_size) g.input = net.input;  // extents of a view are legal
    g.input_last_use = builder.input_last_use();
    g.error = builder.error();
    return g;
}

namespace detail {

/// Carries the numbers of an illegal design into the compiler's message.
template <graph_errc Code, int Stage, int Block, role Role, long long Got, long long Limit>
constexpr bool legal_design() {
    static_assert(Code != graph_errc::input_size, "llmnas: illegal design: input extent outside 1..32768 (Got)");
    static_assert(Code != graph_errc::channels, "llmnas: illegal design: channels outside 1..32768 (Got)");
    static_assert(Code != graph_errc::kernel_size, "llmnas: illegal design: kernel size outside 1..255 (Got)");
    static_assert(Code != graph_errc::stride, "llmnas: illegal design: stride outside 1..255 (Got)");
    static_assert(Code != graph_errc::padding, "llmnas: illegal design: padding (Got) outside 0..kernel-1 (Limit)");
    static_assert(
        Code != graph_errc::kernel_exceeds_map,
        "llmnas: illegal design: kernel (Got) larger than the padded map (Limit) at this Stage and Block: use "
        "a smaller kernel, fewer strides of 2, or a larger input");
    static_assert(Code != graph_errc::groups,
                  "llmnas: illegal design: groups (Got) do not divide the channels (Limit)");
    static_assert(Code != graph_errc::shapes_differ,
                  "llmnas: illegal design: the maps joined here have different shapes (Got, Limit: the first extents "
                  "that differ); a residual needs stride 1, an odd kernel and equal channels");
    static_assert(Code != graph_errc::layers, "llmnas: illegal design: number of layers (Got) outside 1..64");
    static_assert(Code != graph_errc::block_type, "llmnas: illegal design: block type (Got) not in the list (Limit)");
    static_assert(Code != graph_errc::expansion_factor,
                  "llmnas: illegal design: expansion factor outside 1..32768 (Got)");
    static_assert(Code != graph_errc::se_ratio,
                  "llmnas: illegal design: se_ratio with a negative numerator or a denominator below 1 (Got)");
    static_assert(Code != graph_errc::compression, "llmnas: illegal design: compression outside 1..32768 (Got)");
    static_assert(Code != graph_errc::field,
                  "llmnas: illegal design: a field of this Stage has an illegal value (Got)");
    static_assert(Code != graph_errc::not_published,
                  "llmnas: illegal design: this Stage and Block reads a published map before any block published one");
    static_assert(Code != graph_errc::capacity, "llmnas: illegal design: too many operators");
    return Code == graph_errc::none;
}

}  // namespace detail

/// A fixed design as a type: `network<zoo::lmanet_elite>`. Members are evaluated on first use, at compile time.
template <auto Design>
    requires LowersToOperators<decltype(Design)>
struct network {
    static constexpr auto design = Design;
    static constexpr graph_error error = check(Design);
    static_assert(
        detail::legal_design<error.code, error.at.stage, error.at.block, error.at.role, error.got, error.limit>());
    static constexpr graph_size size = measure(Design);
    static constexpr static_graph<size.ops, size.inputs> graph = lower_into<size.ops, size.inputs>(Design);
    static constexpr graph_view view = graph.view();
};

/// Any `network<design>`.
template <class T>
concept Network = requires {
    { T::view } -> std::convertible_to<graph_view>;
};

}  // namespace llmnas
