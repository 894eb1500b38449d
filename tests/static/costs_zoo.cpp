// SPDX-License-Identifier: MIT
// Reference values: recomputed from the published configurations and weights of the paper's networks; the zoo's other
// counts from the published model files.
#include <llmnas/cost/costs.hpp>
#include <llmnas/mcu/fits.hpp>
#include <llmnas/mcu/targets.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mcunet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>

using namespace llmnas;

using elite = network<zoo::lmanet_elite>;
static_assert(costs_of<elite>.mac_count == 81'963'264_MACs);
static_assert(costs_of<elite>.parameters == 497'997_params);
static_assert(costs_of<elite>.sram.size == 204'800_B);
static_assert(costs_of<elite>.flash == 535'170_B);
static_assert(elite::view.ops[static_cast<std::size_t>(costs_of<elite>.sram.at)].from ==
              origin{.stage = 2, .block = 0, .role = role::expand, .slot = 0});

using core_net = network<zoo::lmanet_core>;
static_assert(costs_of<core_net>.mac_count == 76'432'000_MACs);
static_assert(costs_of<core_net>.parameters == 453'220_params);
static_assert(costs_of<core_net>.sram.size == 307'200_B);
static_assert(costs_of<core_net>.flash == 485'128_B);
static_assert(core_net::view.ops[static_cast<std::size_t>(costs_of<core_net>.sram.at)].from ==
              origin{.stage = 1, .block = 0, .role = role::expand, .slot = 0});

static_assert(costs_of<network<zoo::mcunet_in3>>.mac_count == 81'785'520_MACs);
static_assert(costs_of<network<zoo::mcunet_in3>>.parameters == 737'408_params, "published as 0.74 M");
static_assert(costs_of<network<zoo::ds_cnn>>.mac_count == 2'656'768_MACs);
static_assert(costs_of<network<zoo::ds_cnn>>.parameters == 22'604_params);

static_assert(fits<elite, mcu::stm32h743, paper_budget>);
static_assert(fits<core_net, mcu::stm32h743, paper_budget>);
static_assert(!fits<network<zoo::mcunet_in3>, mcu::stm32h743, paper_budget>, "340,736 bytes layer by layer");
static_assert(check_fits<network<zoo::mcunet_in3>, mcu::stm32h743>(), "512 KiB of AXI SRAM hold it");
static_assert(!fits<elite, mcu::stm32f411>);

// Largest legal extents saturate instead of wrapping around: every budget refuses the network.
struct huge_design {
    shape input{max_extent, max_extent, max_extent};
    constexpr void lower(graph_builder& g) const {
        g.conv(g.input(), role::stem,
               {.out_channels = max_extent, .kernel_h = 255, .kernel_w = 255, .pad = half_padding(255)});
    }
};
using huge = network<huge_design{}>;
static_assert(costs_of<huge>.mac_count == macs{~std::uint64_t{0}}, "2^76 multiply-accumulates");
static_assert(costs_of<huge>.sram.size == bytes{2 * (std::uint64_t{1} << 45U)});
static_assert(!fits<huge, mcu::stm32h743>);
