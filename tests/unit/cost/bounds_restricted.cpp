// SPDX-License-Identifier: MIT
// Restricted spaces lose no network within the limits, and lose choices where they should.
#include <cstdint>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/bounds/restricted.hpp>
#include <llmnas/cost/memory/arena.hpp>
#include <llmnas/cost/memory/fused_blocks.hpp>
#include <llmnas/cost/memory/in_place_depthwise.hpp>
#include <llmnas/cost/memory/overlaid.hpp>
#include <llmnas/cost/memory/planned.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

struct reduced {
    static constexpr std::string_view name = "reduced";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 16, 8, 64>{}, axis<"num_layers", &stage::num_layers, 3, 1>{},
        axis<"stride", &stage::stride, 1, 2>{}, axis<"expansion_factor", &stage::expansion_factor, 3, 6>{},
        axis<"use_se", &stage::use_se, true, false>{},
        axis<"conv_type", &stage::conv_type, block_type::depthwise, block_type::mbconv>{},
        axis<"skip_op", &stage::skip_op, skip_kind::identity, skip_kind::residual>{},
        axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 2}, ratio{1, 4}>, is<&stage::use_se, true>>{});
};

bool kept(const choice_mask<reduced>& mask, const space_point<reduced>& p) {
    for (std::size_t s = 0; s < reduced::stages; ++s) {
        const auto effective = effective_axes(p, s);
        for (std::size_t k = 0; k < axis_count<reduced>; ++k)
            if (effective[k] && !mask.keep[k][p.choice[s][k]]) return false;
    }
    return true;
}

// Every network within the limits is kept; returns how many choices went.
template <class Memory>
std::size_t check_sound(const cost_limits& limits, const shape& input) {
    const auto mask = feasible_choices<reduced, Memory>(limits, input, 10);
    for (std::uint64_t i = 0; i < cardinality<reduced>; ++i) {
        const auto p = unrank<reduced>(i);
        if (kept(mask, p)) continue;
        const dynamic_graph g(decode(p, input, 10));
        if (!g.error() && limits.allow(evaluate<Memory>(g.view()))) FAIL(Memory::name << ": lost network " << i);
    }
    std::size_t gone = 0;
    for (std::size_t k = 0; k < axis_count<reduced>; ++k) gone += axis_sizes<reduced>[k] - mask.count(k);
    return gone;
}

// Limits a little above the least, or below the most, of a model.
template <class Memory>
cost_limits tight(const shape& input, std::uint64_t percent) {
    const auto b = bounds<reduced, Memory>(input, 10);
    const auto above = [percent](std::uint64_t v) { return v + v * percent / 100; };
    return {{},
            {above(b.mac_count.least.value.value)},
            {above(b.sram.least.value.value)},
            {above(b.flash.least.value.value)}};
}

template <class Memory>
void check_tight(const shape& input) {
    std::size_t before = ~std::size_t{0};
    for (const std::uint64_t percent : {5U, 20U, 100U, 1'000U}) {
        const std::size_t gone = check_sound<Memory>(tight<Memory>(input, percent), input);
        CHECK(gone <= before);
        if (percent == 5) CHECK(gone > 3);
        before = gone;
    }
}

// A small budget for Table I: 8,000 bytes of flash.
constexpr cost_limits tiny{.max_macs = macs{20'000'000}, .sram = bytes{160 * 1024}, .flash = bytes{8'000}};
using tiny_space = restricted<table1_se, tiny>;

}  // namespace

TEST_CASE("restricted: no network of a small space within the limits is lost", "[cost][bounds]") {
    CHECK(check_sound<layerwise>({}, {3, 16, 16}) == 0);
    check_tight<layerwise>({3, 16, 16});
    check_tight<overlaid>({3, 16, 16});
    check_tight<fused_blocks>({3, 15, 9});
    check_tight<in_place_depthwise>({3, 16, 16});
    check_tight<arena>({3, 16, 16});
    CHECK(check_sound<planned<>>({.sram = bytes{1'000}}, {3, 16, 16}) == 0);  // no lower bound
    const auto most = bounds<reduced>({3, 16, 16}, 10).mac_count.greatest.value;
    CHECK(check_sound<layerwise>({.min_macs = macs{most.value - most.value / 50}}, {3, 16, 16}) > 3);
    CHECK(check_sound<layerwise>({.sram = bytes{1}}, {3, 16, 16}) > 0);  // nothing fits: first choices remain
}

TEST_CASE("restricted: the paper's space at a small budget", "[cost][bounds]") {
    // The compiler and the run-time search agree.
    CHECK((feasible_choices_of<table1_se, tiny> == feasible_choices<table1_se>(tiny)));
    CHECK(axis_sizes<tiny_space>[0] == 5);  // no stage has 96 channels or more,
    CHECK(axis_sizes<tiny_space>[1] == 4);  // or six layers
    CHECK(stage_cardinality<tiny_space> == stage_cardinality<table1_se> / 2);
    CHECK(tiny_space::name == "table1_se_restricted");

    // The paper's limits exclude no choice.
    constexpr cost_limits paper{macs{70'000'000}, macs{350'000'000}, bytes{327'680}, bytes{2 * 1024 * 1024}};
    const auto all = feasible_choices<table1_se>(paper);
    for (std::size_t k = 0; k < axis_count<table1_se>; ++k) CHECK(all.count(k) == axis_sizes<table1_se>[k]);
}

TEST_CASE("restricted: feasible samples of the paper's space lie in the restricted one", "[cost][bounds]") {
    // Uniform networks hardly ever keep the limits: half of the stages are those of the smallest networks.
    const auto least = bounds<table1_se>().flash.least.witness;
    splitmix64 rng{5};
    int feasible = 0;
    for (int i = 0; i < rounds(50'000); ++i) {
        auto p = sample<table1_se>(rng);
        for (std::size_t s = 0; s < table1_se::stages; ++s)
            if (rng.below(5) != 0) p.choice[s] = least.choice[s];
        const auto net = decode(p);
        if (!tiny.allow(evaluate(dynamic_graph(net).view()))) continue;
        ++feasible;
        if (!contains<tiny_space>(net)) FAIL("network " << i << " is lost");
    }
    CHECK(feasible > 500);
    // And every point of the restricted space is one of the space.
    for (int i = 0; i < rounds(1'000); ++i)
        if (!contains<table1_se>(decode(sample<tiny_space>(rng)))) FAIL("a new network");
}
