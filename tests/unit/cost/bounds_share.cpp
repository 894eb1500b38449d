// SPDX-License-Identifier: MIT
// The feasible share of a space: exact counts against every network, estimates against exact counts and known values.
#include <cstdint>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/bounds/feasible_share.hpp>
#include <llmnas/cost/memory/fused_blocks.hpp>
#include <llmnas/cost/memory/overlaid.hpp>
#include <llmnas/cost/memory/planned.hpp>
#include <llmnas/space/table1.hpp>

#include "support/catch.hpp"

using namespace llmnas;

namespace {

// The paper's axes with fewer choices; also fields without effect and an axis with a condition.
struct reduced {
    static constexpr std::string_view name = "reduced";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 16, 8>{}, axis<"kernel_size", &stage::kernel_size, 3, 5>{},
        axis<"stride", &stage::stride, 1, 2>{}, axis<"use_se", &stage::use_se, true, false>{},
        axis<"conv_type", &stage::conv_type, block_type::depthwise, block_type::mbconv>{},
        axis<"activation", &stage::activation, activation_kind::relu6, activation_kind::swish>{},
        axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 2}, ratio{1, 4}>, is<&stage::use_se, true>>{});
};

// Even kernels with residual sums are illegal.
struct often_illegal {
    static constexpr std::string_view name = "often_illegal";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 16, 8>{}, axis<"kernel_size", &stage::kernel_size, 2, 3>{},
        axis<"stride", &stage::stride, 1, 2>{},
        axis<"skip_op", &stage::skip_op, skip_kind::identity, skip_kind::residual>{});
};

template <class Space, class Memory>
std::uint64_t by_force(const cost_limits& limits, const shape& input, std::int32_t classes) {
    std::uint64_t n = 0;
    for (std::uint64_t i = 0; i < cardinality<Space>; ++i) {
        const dynamic_graph g(decode(unrank<Space>(i), input, classes));
        if (!g.error() && limits.allow(evaluate<Memory>(g.view()))) ++n;
    }
    return n;
}

template <class Space, class Memory>
void check_counts(const shape& input, std::int32_t classes) {
    INFO(Space::name << " " << Memory::name);
    const cost_limits cases[] = {{},
                                 {.sram = bytes{3'000}},
                                 {.sram = bytes{9'000}},
                                 {.min_macs = macs{100'000}, .max_macs = macs{400'000}},
                                 {.flash = bytes{4'000}},
                                 {.min_macs = macs{150'000}, .sram = bytes{9'000}, .flash = bytes{5'000}},
                                 {.sram = bytes{10}}};
    for (const cost_limits& limits : cases) {
        const auto counted = count_feasible<Space, Memory>(limits, input, classes);
        CHECK(counted.complete);
        CHECK(counted.total == cardinality<Space>);
        CHECK(static_cast<std::uint64_t>(counted.feasible) == by_force<Space, Memory>(limits, input, classes));
    }
}

bool inside(const share_estimate& e, double share) { return e.lower <= share && share <= e.upper; }

// The paper's limits: 70 to 350 M MACs, 320 KiB. Not constants, so that g++ does not try the counts while it compiles.
cost_limits mac_range{.min_macs = macs{70'000'000}, .max_macs = macs{350'000'000}};
cost_limits sram_only{.sram = bytes{327'680}};
cost_limits both{mac_range.min_macs, mac_range.max_macs, sram_only.sram};

}  // namespace

TEST_CASE("feasible share: counts of small spaces are those of every network", "[cost][bounds]") {
    check_counts<reduced, layerwise>({3, 16, 12}, 10);
    check_counts<reduced, overlaid>({3, 13, 13}, 5);
    check_counts<often_illegal, layerwise>({3, 10, 10}, 10);
    check_counts<often_illegal, fused_blocks>({3, 9, 14}, 10);
    // A constant expression, too.
    constexpr auto n = count_feasible<often_illegal>({.sram = bytes{3'000}}, shape{3, 4, 4}, 10);
    CHECK(static_cast<std::uint64_t>(n.feasible) ==
          by_force<often_illegal, layerwise>({.sram = bytes{3'000}}, {3, 4, 4}, 10));
}

TEST_CASE("feasible share: a count that grows too large is given up", "[cost][bounds]") {
    CHECK_FALSE(count_feasible<table1>(both, {3, 160, 160}, 100, layerwise{}, 1'000).complete);
}

TEST_CASE("feasible share: estimates agree with exact counts of the paper's spaces", "[cost][bounds]") {
    const auto exact = count_feasible<table1>(sram_only);
    CHECK(exact.complete);
    CHECK(exact.share() == Catch::Approx(0.00440596).epsilon(1e-5));
    CHECK(inside(estimate_feasible_share<table1>(sram_only, 100'000, 1), exact.share()));
    CHECK(inside(estimate_feasible_share<table1_se, overlaid>(sram_only, 30'000, 2),
                 count_feasible<table1_se, overlaid>(sram_only).share()));
    CHECK(inside(estimate_feasible_share<table1, fused_blocks>(sram_only, 30'000, 3),
                 count_feasible<table1, fused_blocks>(sram_only).share()));
}

TEST_CASE("feasible share: known values of the paper's space", "[cost][bounds]") {
    // 11.4 % in the MAC range, of 2,000,000 networks.
    const auto range = estimate_feasible_share<table1>(mac_range, 100'000, 4);
    CHECK(inside(range, 0.1138));
    CHECK(range.upper - range.lower < 0.005);
    // 0.16 % also fit 320 KiB layer by layer.
    CHECK(inside(estimate_feasible_share<table1>(both, 100'000, 5), 0.0016));
    // Equal seeds, equal estimates.
    CHECK(estimate_feasible_share<table1>(both, 5'000, 6).feasible ==
          estimate_feasible_share<table1>(both, 5'000, 6).feasible);
}

TEST_CASE("feasible share: the confidence interval", "[cost][bounds]") {
    // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, Table I, method 3.
    const auto a = wilson_interval(81, 263);
    CHECK(a.lower == Catch::Approx(0.2553).margin(5e-5));
    CHECK(a.upper == Catch::Approx(0.3662).margin(5e-5));
    const auto b = wilson_interval(0, 20);
    CHECK(b.lower == 0);
    CHECK(b.upper == Catch::Approx(0.1611).margin(5e-5));
    const auto c = wilson_interval(29, 29);
    CHECK(c.lower == Catch::Approx(0.8830).margin(5e-5));
    CHECK(c.upper == 1);
    CHECK(wilson_interval(0, 0).upper == 1);
}
