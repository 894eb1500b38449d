// SPDX-License-Identifier: MIT
// 200 random architectures generated while this file is compiled: drawn, decoded, lowered and judged by memory models a
// to e and g in constant expressions, one per network and model; by the variants of f and g the first five, which keeps
// the file near 20 s of compilation. A program that draws the same numbers gets the same peaks.
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <boost/hana/unpack.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"
#include "support/random_networks.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

inline constexpr std::size_t count = rounds(200);

constexpr architecture<5> draw(std::size_t i) {
    splitmix64 rng{mix_seed(17, i)};
    const auto height = static_cast<std::int32_t>(rng.between(8, 224));
    const auto width = static_cast<std::int32_t>(rng.between(8, 224));
    const auto classes = static_cast<std::int32_t>(rng.between(1, 1000));
    return decode(sample<table1_se>(rng), {3, height, width}, classes);
}

template <std::size_t I>
inline constexpr architecture<5> design = draw(I);
template <std::size_t I>
inline constexpr graph_size size = measure(design<I>);
template <std::size_t I>
inline constexpr auto graph = lower_into<size<I>.ops, size<I>.inputs>(design<I>);
template <class Model, std::size_t I>
inline constexpr memory_peak peak = Model::peak(graph<I>.view());

template <class Model>
inline constexpr std::size_t judged = 5;
template <>
inline constexpr std::size_t judged<layerwise> = count;
template <>
inline constexpr std::size_t judged<arena> = count;
template <>
inline constexpr std::size_t judged<in_place_depthwise> = count;
template <>
inline constexpr std::size_t judged<overlaid> = count;
template <>
inline constexpr std::size_t judged<fused_blocks> = count;
template <>
inline constexpr std::size_t judged<planned<>> = count;

template <class Model, std::size_t... I>
constexpr std::array<memory_peak, sizeof...(I)> peaks_of(std::index_sequence<I...>) {
    return {peak<Model, I>...};
}
template <class Model>
inline constexpr auto peaks = peaks_of<Model>(std::make_index_sequence<judged<Model>>{});

template <class Model>
void compare(std::size_t i, const graph_view& g) {
    INFO(Model::name);
    if (i < judged<Model>) CHECK(Model::peak(g) == peaks<Model>[i]);
}

}  // namespace

TEST_CASE("memory: 200 random networks have the same peaks at compile time and at run time", "[cost][memory]") {
    for (std::size_t i = 0; i < count; ++i) {
        const auto net = draw(i);
        const dynamic_graph g(net);
        INFO(random_networks::text(net));
        boost::hana::unpack(memory_models,
                            [&](auto... models) { (compare<typename decltype(models)::type>(i, g.view()), ...); });
    }
}
