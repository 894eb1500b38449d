// SPDX-License-Identifier: MIT
// Bounds over a space against every network of it (small spaces), against every configuration of a stage (the paper's
// spaces), and against random networks.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/bounds.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory/with_runtime.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"
#include "support/rounds.hpp"

using namespace llmnas;

namespace {

// The paper's axes with fewer choices.
struct reduced {
    static constexpr std::string_view name = "reduced";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 16, 8>{}, axis<"num_layers", &stage::num_layers, 3, 1>{},
        axis<"kernel_size", &stage::kernel_size, 3, 5>{}, axis<"stride", &stage::stride, 1, 2>{},
        axis<"expansion_factor", &stage::expansion_factor, 3, 4>{}, axis<"use_se", &stage::use_se, true, false>{},
        axis<"conv_type", &stage::conv_type, block_type::depthwise, block_type::mbconv>{},
        axis<"skip_op", &stage::skip_op, skip_kind::residual, skip_kind::identity>{},
        axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 2}, ratio{1, 4}>, is<&stage::use_se, true>>{});
};

// Even kernels: maps grow, residual sums are illegal, so that most rules do not apply.
struct even_kernels {
    static constexpr std::string_view name = "even_kernels";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 8, 12>{}, axis<"num_layers", &stage::num_layers, 1, 2>{},
        axis<"kernel_size", &stage::kernel_size, 2, 3>{}, axis<"stride", &stage::stride, 1, 2>{},
        axis<"skip_op", &stage::skip_op, skip_kind::identity, skip_kind::residual>{});
};

// A kernel that exists only without SE: the corner of use_se may not decide for it.
struct kernel_without_se {
    static constexpr std::string_view name = "kernel_without_se";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"use_se", &stage::use_se, true, false>{},
        axis_when<axis<"kernel_size", &stage::kernel_size, 5, 7>, is<&stage::use_se, false>>{},
        axis<"stride", &stage::stride, 1, 2>{}, axis<"output_channels", &stage::output_channels, 8, 16, 24>{});
};

// Expansions that exceed 32,768 channels behind some stages: the largest corner is illegal there.
struct too_wide {
    static constexpr std::string_view name = "too_wide";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 40, 9000>{},
        axis<"expansion_factor", &stage::expansion_factor, 3, 4>{}, axis<"stride", &stage::stride, 1, 2>{},
        axis<"num_layers", &stage::num_layers, 1, 2>{}, axis<"use_se", &stage::use_se, false, true>{});
};

// A stage and a block type of one's own, without rules; the kernel has no padding, so that it may exceed the map, and
// shrinks it. `flip` makes a larger value cheaper.
struct own_stage {
    std::int32_t width = 4;
    std::int32_t kernel = 3;
    std::int32_t flip = 1;
};
struct unpadded_block {
    static constexpr std::string_view name = "unpadded";
    static constexpr tensor lower(graph_builder& g, const own_stage& s, std::size_t, tensor x) {
        const tensor y =
            g.conv(x, role::main, {.out_channels = s.width, .kernel_h = s.kernel, .kernel_w = s.kernel, .bias = true});
        return g.pointwise(g.concat({y, y}), role::project, 24 / s.flip, activation_kind::relu);
    }
};
struct own_blocks {
    static constexpr auto types = boost::hana::tuple_t<unpadded_block>;
};
struct own_space {
    static constexpr std::string_view name = "own";
    using stage_type = own_stage;
    using blocks = own_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(axis<"width", &own_stage::width, 4, 2, 7>{},
                                                         axis<"kernel", &own_stage::kernel, 3, 6, 1>{},
                                                         axis<"flip", &own_stage::flip, 1, 2, 3>{});
};

// A block type that is no network of its own.
struct reading_block {
    static constexpr std::string_view name = "reading";
    static constexpr tensor lower(graph_builder& g, const own_stage& s, std::size_t, tensor x) {
        static_cast<void>(g.published());
        return g.pointwise(x, role::main, s.width, activation_kind::none);
    }
};
struct reading_blocks {
    static constexpr auto types = boost::hana::tuple_t<reading_block>;
};
struct reading_space : own_space {
    using blocks = reading_blocks;
};

template <class Q, class Space>
void check_exact(const bound_range<Q, Space>& got, std::uint64_t least, std::uint64_t greatest) {
    CHECK(got.least.quality == bound_quality::exact);
    CHECK(got.least.value.value == least);
    CHECK(got.greatest.value.value == greatest);
}

struct extremes {
    costs least{macs{~0ULL}, params{~0ULL}, bytes{~0ULL}, {bytes{~0ULL}}};
    costs greatest{};
    std::uint64_t legal = 0;

    void take(const costs& c) {
        ++legal;
        least = {std::min(least.mac_count, c.mac_count),
                 std::min(least.parameters, c.parameters),
                 std::min(least.flash, c.flash),
                 {std::min(least.sram.size, c.sram.size)}};
        greatest = {std::max(greatest.mac_count, c.mac_count),
                    std::max(greatest.parameters, c.parameters),
                    std::max(greatest.flash, c.flash),
                    {std::max(greatest.sram.size, c.sram.size)}};
    }
};

template <class Space, class Memory>
extremes by_force(const shape& input, std::int32_t classes) {
    extremes e;
    for (std::uint64_t i = 0; i < cardinality<Space>; ++i) {
        const dynamic_graph g(decode(unrank<Space>(i), input, classes));
        if (!g.error()) e.take(evaluate<Memory>(g.view()));
    }
    return e;
}

template <class Space, class Memory>
void check_against_all(const shape& input, std::int32_t classes) {
    INFO(Space::name << " " << Memory::name << " " << input.channels << "x" << input.height << "x" << input.width);
    const extremes e = by_force<Space, Memory>(input, classes);
    const auto b = bounds<Space, Memory>(input, classes);
    if (e.legal == 0) {
        CHECK(b.error == bounds_errc::no_legal_network);
        return;
    }
    REQUIRE(b.error == bounds_errc::none);
    check_exact(b.mac_count, e.least.mac_count.value, e.greatest.mac_count.value);
    check_exact(b.parameters, e.least.parameters.value, e.greatest.parameters.value);
    check_exact(b.flash, e.least.flash.value, e.greatest.flash.value);
    if constexpr (MaxOfStages<Memory>)
        check_exact(b.sram, e.least.sram.size.value, e.greatest.sram.size.value);
    else
        CHECK(b.sram.least.quality != bound_quality::exact);
    CHECK(b.sram.least.value <= e.least.sram.size);
    CHECK(b.sram.greatest.value >= e.greatest.sram.size);
    CHECK((b.sram.greatest.quality == bound_quality::none) == !StagesBoundAbove<Memory>);
    const auto certify = [&](const auto& end, auto cost) {
        if (end.quality != bound_quality::exact) return;
        const dynamic_graph g(decode(end.witness, input, classes));
        REQUIRE_FALSE(g.error());
        CHECK(cost(evaluate<Memory>(g.view())) == end.value);
    };
    for (const auto* end : {&b.mac_count.least, &b.mac_count.greatest})
        certify(*end, [](const costs& c) { return c.mac_count; });
    for (const auto* end : {&b.parameters.least, &b.parameters.greatest})
        certify(*end, [](const costs& c) { return c.parameters; });
    for (const auto* end : {&b.flash.least, &b.flash.greatest}) certify(*end, [](const costs& c) { return c.flash; });
    for (const auto* end : {&b.sram.least, &b.sram.greatest}) certify(*end, [](const costs& c) { return c.sram.size; });
}

template <class Space>
void check_models_against_all(const shape& input, std::int32_t classes) {
    check_against_all<Space, layerwise>(input, classes);
    check_against_all<Space, in_place_depthwise>(input, classes);
    check_against_all<Space, overlaid>(input, classes);
    check_against_all<Space, fused_blocks>(input, classes);
    check_against_all<Space, planned<>>(input, classes);
    check_against_all<Space, planned_rows>(input, classes);
    check_against_all<Space, arena>(input, classes);
    check_against_all<Space, with_runtime<overlaid, 1000>>(input, classes);
}

template <class Space, class Memory>
void check_rules(const shape& input) {
    INFO(Space::name << " " << Memory::name << " " << input.channels << "x" << input.height << "x" << input.width);
    const auto ruled = bounds<Space, Memory>(input, 100);
    const auto all = bounds<Space, Memory, rule_use::none>(input, 100);
    CHECK(ruled.mac_count.least.value == all.mac_count.least.value);
    CHECK(ruled.mac_count.greatest.value == all.mac_count.greatest.value);
    CHECK(ruled.parameters.least.value == all.parameters.least.value);
    CHECK(ruled.parameters.greatest.value == all.parameters.greatest.value);
    CHECK(ruled.flash.least.value == all.flash.least.value);
    CHECK(ruled.flash.greatest.value == all.flash.greatest.value);
    CHECK(ruled.sram.least.value == all.sram.least.value);
    CHECK(ruled.sram.greatest.value == all.sram.greatest.value);
}

template <class Space, class Memory>
void check_samples(int count, std::uint64_t seed) {
    shape input = network_of<Space>{}.input;  // not constants: g++ would try the search while it compiles
    std::int32_t classes = network_of<Space>{}.classes;
    const auto b = bounds<Space, Memory>(input, classes);
    splitmix64 rng{seed};
    for (int i = 0; i < count; ++i) {
        const dynamic_graph g(decode(sample<Space>(rng)));
        const costs c = evaluate<Memory>(g.view());
        if (c.mac_count < b.mac_count.least.value || c.mac_count > b.mac_count.greatest.value ||
            c.parameters < b.parameters.least.value || c.parameters > b.parameters.greatest.value ||
            c.flash < b.flash.least.value || c.flash > b.flash.greatest.value || c.sram.size < b.sram.least.value ||
            c.sram.size > b.sram.greatest.value)
            FAIL(Space::name << " " << Memory::name << ": network " << i << " is outside");
    }
}

// The parts that a model's promise speaks of, each lowered alone.
struct one_block {
    shape input;
    stage st;
    std::size_t block;
    constexpr void lower(graph_builder& g) const { architecture<1>::lower_block(g, st, 0, block, g.input()); }
};
struct head_alone {
    shape input;
    std::int32_t classes;
    constexpr void lower(graph_builder& g) const { architecture<1>::lower_head(g, g.input(), classes); }
};

template <class Memory>
bytes largest_part(const architecture<5>& net, bool overhead) {
    bytes most;
    shape x = net.input;
    const auto take = [&](const dynamic_graph& g) {
        const memory_peak p = Memory{}.peak(g.view());
        most = std::max(most, PartsMaxOfStages<Memory> ? (overhead ? p.overhead : p.activations()) : p.size);
        x = g.view().output();
    };
    for (const stage& s : net.stages)
        for (std::int32_t b = 0; b < s.num_layers; ++b)
            take(dynamic_graph(one_block{x, s, static_cast<std::size_t>(b)}));
    take(dynamic_graph(head_alone{x, net.classes}));
    return most;
}

}  // namespace

TEST_CASE("bounds: every network of small spaces", "[cost][bounds]") {
    SECTION("square") { check_models_against_all<even_kernels>({3, 12, 12}, 10); }
    SECTION("wide") { check_models_against_all<even_kernels>({1, 5, 17}, 3); }
    SECTION("conditional axis") { check_models_against_all<kernel_without_se>({3, 16, 10}, 7); }
    SECTION("illegal corners") { check_models_against_all<too_wide>({3, 4, 4}, 2); }
    SECTION("stage of one's own") { check_models_against_all<own_space>({3, 14, 14}, 5); }
    SECTION("small maps, most networks illegal") { check_models_against_all<own_space>({3, 7, 6}, 5); }
    SECTION("one pixel") { check_against_all<own_space, layerwise>({3, 1, 1}, 5); }
    SECTION("too many classes") { check_against_all<own_space, layerwise>({3, 14, 14}, 40'000); }
    SECTION("no input") { check_against_all<own_space, layerwise>({0, 14, 14}, 4); }
}

TEST_CASE("bounds: every network of a reduced Table I", "[cost][bounds][.long]") {
    check_models_against_all<reduced>({3, 20, 20}, 10);
    check_models_against_all<reduced>({8, 9, 6}, 1000);
}

TEST_CASE("bounds: every network of a reduced Table I, layer by layer", "[cost][bounds]") {
    check_against_all<reduced, layerwise>({3, 20, 20}, 10);
}

TEST_CASE("bounds: rules change nothing for the paper's spaces", "[cost][bounds]") {
    check_rules<table1, layerwise>({3, 160, 160});
    check_rules<table1_se, layerwise>({3, 160, 160});
    check_rules<table1, overlaid>({3, 160, 160});
    check_rules<table1, in_place_depthwise>({3, 96, 64});
}

TEST_CASE("bounds: rules change nothing, at many inputs", "[cost][bounds][.long]") {
    splitmix64 rng{11};
    for (int i = 0; i < 4; ++i) {
        const auto extent = [&](std::int64_t most) { return static_cast<std::int32_t>(rng.between(1, most)); };
        const shape input{extent(200), extent(230), extent(230)};
        check_rules<table1_se, layerwise>(input);
        check_rules<table1_se, overlaid>(input);
        check_rules<table1_se, in_place_depthwise>(input);
        check_rules<table1, fused_blocks>(input);
    }
}

TEST_CASE("bounds: random networks of the paper's spaces are inside", "[cost][bounds]") {
    check_samples<table1, layerwise>(100'000, 1);
    check_samples<table1_se, layerwise>(100'000, 2);
    check_samples<table1_se, overlaid>(20'000, 3);
    check_samples<table1_se, in_place_depthwise>(20'000, 4);
    check_samples<table1_se, fused_blocks>(5'000, 5);
    check_samples<table1_se, planned<>>(5'000, 6);
    check_samples<table1_se, planned_rows>(5'000, 7);
    check_samples<table1_se, arena>(5'000, 8);
}

TEMPLATE_TEST_CASE("bounds: models keep their promises about stages", "[cost][bounds]", layerwise, in_place_depthwise,
                   overlaid, fused_blocks, planned<>) {
    splitmix64 rng{3};
    for (int i = 0; i < rounds(3'000); ++i) {
        const auto net = decode(sample<table1_se>(rng), shape{3, 20 + i % 141, 20 + i % 97}, 1 + i % 200);
        const dynamic_graph g(net);
        const memory_peak p = TestType{}.peak(g.view());
        const bytes parts = largest_part<TestType>(net, false);
        if constexpr (MaxOfStages<TestType>) {
            if (p.size != parts) FAIL(i << ": " << p.size.value << " and " << parts.value);
        } else if constexpr (PartsMaxOfStages<TestType>) {
            if (p.activations() != parts || p.overhead != largest_part<TestType>(net, true))
                FAIL(i << ": " << p.activations().value << " and " << parts.value);
        } else if (p.size > parts) {
            FAIL(i << ": " << p.size.value << " and " << parts.value);
        }
    }
    SUCCEED();
}

TEST_CASE("bounds: blocks that read maps of earlier blocks have none", "[cost][bounds]") {
    CHECK(bounds<reading_space>().error == bounds_errc::blocks_depend);
}
