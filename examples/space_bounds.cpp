// SPDX-License-Identifier: MIT
// A whole search space, proven at compile time: every one of its networks fits the microcontroller, so that a search in
// it never proposes one that does not. Try a larger input: the compiler's message names the bound and the budget.
#include <cstdio>

#include <llmnas/cost/bounds/feasible_share.hpp>
#include <llmnas/cost/bounds/restricted.hpp>
//! [all_fit]
#include <llmnas/mcu/fits_space.hpp>
#include <llmnas/mcu/targets.hpp>
#include <llmnas/space/table1.hpp>

using namespace llmnas;

// Three stages for 48x48 images: 7 million networks.
struct small_space {
    static constexpr std::string_view name = "small_space";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 8, 16, 24, 32>{},
        axis<"num_layers", &stage::num_layers, 1, 2, 3>{}, axis<"kernel_size", &stage::kernel_size, 3, 5>{},
        axis<"stride", &stage::stride, 1, 2>{}, axis<"use_se", &stage::use_se, false, true>{},
        axis<"conv_type", &stage::conv_type, block_type::depthwise>{},
        axis<"skip_op", &stage::skip_op, skip_kind::identity, skip_kind::residual>{});
};
constexpr shape input{3, 48, 48};

static_assert(check_all_fit<small_space, mcu::nrf52840, whole_target<mcu::nrf52840>, layerwise, input, 10>());

constexpr const auto& limits = bounds_of<small_space, layerwise, input, 10>;
static_assert(limits.mac_count.greatest.value <= 35_M);
static_assert(limits.sram.greatest.quality == bound_quality::exact);
//! [all_fit]

//! [restricted]
// What is left of it at a tight budget: no network within the budget is lost.
constexpr cost_limits tight{.max_macs = 1_M, .sram = 40_KiB, .flash = 1200_B};
using tight_space = restricted<small_space, tight, layerwise, input, 10>;
static_assert(cardinality<tight_space> < cardinality<small_space>);
//! [restricted]

//! [share]
int main() {
    // The witness of a bound is a network that attains it.
    const auto largest = decode(limits.sram.greatest.witness, input, 10);
    std::printf("at most %llu bytes of SRAM, first with %d channels in stage 1\n",
                static_cast<unsigned long long>(limits.sram.greatest.value.value), largest.stages[0].output_channels);

    const feasible_count n = count_feasible<small_space>({.sram = 96_KiB}, input, 10);
    std::printf("%.2f %% of the space within 96 KiB, counted exactly\n", 100 * n.share());

    const share_estimate e =
        estimate_feasible_share<small_space>({.min_macs = 1_M, .sram = 96_KiB}, 20'000, 1, input, 10);
    std::printf("%.2f %% (95 %% interval %.2f to %.2f) also have a million MACs\n", 100 * e.value, 100 * e.lower,
                100 * e.upper);
}
//! [share]
