// SPDX-License-Identifier: MIT
// What a user pays to prove that LMaNet-Elite fits its microcontroller.
#include <llmnas/static.hpp>

using namespace llmnas;
using namespace llmnas::literals;

static_assert(costs_of<network<zoo::lmanet_elite>>.sram.size == 204'800_B);
static_assert(check_fits<network<zoo::lmanet_elite>, mcu::stm32h743, paper_budget>());

int main() {}
