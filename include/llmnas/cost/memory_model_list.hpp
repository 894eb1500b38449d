// SPDX-License-Identifier: MIT
/// \file
/// The built-in memory models as a Hana list, and one of them chosen at run time.
#pragma once

#include <span>
#include <string_view>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/cost/memory/arena.hpp>
#include <llmnas/cost/memory/fused_blocks.hpp>
#include <llmnas/cost/memory/in_place_depthwise.hpp>
#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/memory/overlaid.hpp>
#include <llmnas/cost/memory/planned.hpp>
#include <llmnas/cost/memory/streamed_prefix.hpp>
#include <llmnas/cost/memory_layout.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// Models a to g of docs/memory_models.md, f and g also with the input's rows streamed in.
inline constexpr auto memory_models =
    boost::hana::tuple_t<layerwise, arena, in_place_depthwise, overlaid, fused_blocks, streamed_prefix<>,
                         streamed_prefix_rows, planned<>, planned_rows, planned_rows_two_pass>;

/// A built-in model behind function pointers, for programs that take its name from a user.
struct any_memory_model {
    std::string_view name = layerwise::name;
    memory_peak (*peak_of)(const graph_view&) = [](const graph_view& g) { return layerwise::peak(g); };
    memory_layout (*layout_of)(const graph_view&) = [](const graph_view& g) { return layerwise::layout(g); };
    void (*usage_of)(const graph_view&, std::span<bytes>) = [](const graph_view& g, std::span<bytes> sizes) {
        layerwise::usage(g, sizes);
    };
    coverage (*coverage_of)(const graph_view&) = [](const graph_view&) { return coverage{}; };

    [[nodiscard]] constexpr memory_peak peak(const graph_view& g) const { return peak_of(g); }
    [[nodiscard]] constexpr memory_layout layout(const graph_view& g) const { return layout_of(g); }
    constexpr void usage(const graph_view& g, std::span<bytes> by_operator) const { usage_of(g, by_operator); }
    [[nodiscard]] constexpr coverage covers(const graph_view& g) const { return coverage_of(g); }
};
static_assert(ExplainsPeak<any_memory_model>);

template <ExplainsPeak Model>
inline constexpr any_memory_model erased{Model::name, [](const graph_view& g) { return Model{}.peak(g); },
                                         [](const graph_view& g) { return Model{}.layout(g); },
                                         [](const graph_view& g, std::span<bytes> sizes) { Model{}.usage(g, sizes); },
                                         [](const graph_view& g) { return coverage_of(Model{}, g); }};

/// Calls f(any_memory_model) for each built-in model.
template <class F>
constexpr void for_each_memory_model(F&& f) {
    boost::hana::unpack(memory_models, [&](auto... models) { (f(erased<typename decltype(models)::type>), ...); });
}

}  // namespace llmnas
