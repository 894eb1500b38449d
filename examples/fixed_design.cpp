// SPDX-License-Identifier: MIT
// A fixed design, proven at compile time to fit an STM32H743 in 320 KB: this file compiles, so it does. Try a wider
// first stage: the compiler's message names the memory model, the bytes used and allowed, and the operator of the peak.
#include <cstdio>

//! [design]
#include <llmnas/static.hpp>

using namespace llmnas;

constexpr architecture<3> my_net{
    .input = {3, 96, 96},
    .classes = 10,
    .stages = {{.output_channels = 16, .stride = 2, .conv_type = block_type::depthwise},
               {.output_channels = 32, .num_layers = 2, .kernel_size = 5, .stride = 2, .skip_op = skip_kind::residual},
               {.output_channels = 64, .num_layers = 3, .stride = 2, .use_se = true}}};

static_assert(check_fits<network<my_net>, mcu::stm32h743, budget{.sram = 320_KiB, .flash = 2_MiB}>());
static_assert(costs_of<network<my_net>>.mac_count < 20_M);
//! [design]

// The paper's best network, from the zoo.
static_assert(check_fits<network<zoo::lmanet_elite>, mcu::stm32h743, paper_budget>());
static_assert(!fits<network<zoo::lmanet_elite>, mcu::stm32f411>, "128 KiB are too few for it, layer by layer");

//! [memory_models]
// Under a plan, 96 KiB are enough, with 8 KiB set aside for the runtime of the board.
using on_my_board = with_runtime<planned<>, 8 * 1024>;
static_assert(check_fits<network<zoo::lmanet_elite>, mcu::nrf52840, budget{96_KiB, 1_MiB}, on_my_board>());
// Its parts, and the buffers of each with their offsets.
constexpr memory_plan plan = planned<>::plan(network<zoo::lmanet_elite>::view);
static_assert(plan.complete && plan.peak.size == 87'056_B);
//! [memory_models]

int main() {
    constexpr costs c = costs_of<network<my_net>>;
    std::printf("my_net: %llu MACs, %llu parameters, %llu bytes of flash, %llu bytes of SRAM\n",
                static_cast<unsigned long long>(c.mac_count.value), static_cast<unsigned long long>(c.parameters.value),
                static_cast<unsigned long long>(c.flash.value), static_cast<unsigned long long>(c.sram.size.value));
}
