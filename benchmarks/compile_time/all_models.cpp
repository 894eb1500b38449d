// SPDX-License-Identifier: MIT
// Every memory model of LMaNet-Elite, and two plans, in one file.
#include <llmnas/static.hpp>

using namespace llmnas;

using elite = network<zoo::lmanet_elite>;

static_assert(costs_of<elite, layerwise>.sram.size == 204'800_B);
static_assert(costs_of<elite, arena>.sram.size == 246'264_B);
static_assert(costs_of<elite, in_place_depthwise>.sram.size == 257'288_B);
static_assert(costs_of<elite, overlaid>.sram.size == 155'616_B);
static_assert(costs_of<elite, fused_blocks>.sram.size == 104'976_B);
static_assert(costs_of<elite, streamed_prefix<>>.sram.size == 127'184_B);
static_assert(costs_of<elite, streamed_prefix_rows>.sram.size == 77'284_B);
static_assert(costs_of<elite, planned<>>.sram.size == 87'056_B);
static_assert(costs_of<elite, planned_rows>.sram.size == 77'284_B);
static_assert(costs_of<elite, planned_rows_two_pass>.sram.size == 57'536_B);

constexpr memory_plan resident = planned<>::plan(elite::view);
constexpr memory_plan streamed = planned_rows::plan(elite::view);
static_assert(resident.complete && streamed.complete);

int main() {}
