// SPDX-License-Identifier: MIT
// Bounds over the paper's space, proven by the compiler within its default limits: the values of the run-time search
// over every configuration of a stage (tests/unit/cost/bounds.cpp).
#include <llmnas/cost/bounds.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory/arena.hpp>
#include <llmnas/cost/memory/fused_blocks.hpp>
#include <llmnas/space/table1.hpp>

using namespace llmnas;

// The roles that the size rules give the axes: only channels and block type are visited choice by choice.
static_assert(axis_roles<table1>[0] == axis_role::every && axis_roles<table1>[1] == axis_role::rising);
static_assert(axis_roles<table1>[3] == axis_role::falling && axis_roles<table1>[6] == axis_role::every);
static_assert(axis_roles<table1>[8] == axis_role::any && axis_roles<table1_se>[9] == axis_role::rising);
static_assert(stage_groups<table1, rule_use::all>::count == 16 && stage_groups<table1_se, rule_use::all>::count == 16);
static_assert(stage_groups<table1, rule_use::without_effect>::count == 17'280 / 3);
static_assert(stage_groups<table1, rule_use::none>::count == 17'280);

constexpr const auto& b = bounds_of<table1>;
static_assert(b.mac_count.least.value == macs{1'331'600} && b.mac_count.greatest.value == macs{263'111'132'944});
static_assert(b.parameters.least.value == params{3'669} && b.parameters.greatest.value == params{23'812'874});
static_assert(b.flash.least.value == bytes{5'498} && b.flash.greatest.value == bytes{24'516'982});
static_assert(b.sram.least.value == bytes{128'000} && b.sram.greatest.value == bytes{53'248'960});
static_assert(b.sram.least.quality == bound_quality::exact && b.mac_count.greatest.quality == bound_quality::exact);

// The witness certifies the bound.
static_assert(costs_of<network<decode(b.mac_count.least.witness)>>.mac_count == b.mac_count.least.value);
static_assert(costs_of<network<decode(b.flash.greatest.witness)>>.flash == b.flash.greatest.value);
static_assert(costs_of<network<decode(b.sram.least.witness)>>.sram.size == b.sram.least.value);
static_assert(costs_of<network<decode(b.sram.greatest.witness)>>.sram.size == b.sram.greatest.value);

// At an input of one's own.
static_assert(bounds_of<table1, layerwise, shape{3, 96, 96}, 10>.flash.least.value < b.flash.least.value);

// A small space under a model that does not rise with operators, and under one with a lower bound only.
struct two_stages {
    static constexpr std::string_view name = "two_stages";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes =
        boost::hana::make_tuple(axis<"output_channels", &stage::output_channels, 8, 16>{},
                                axis<"stride", &stage::stride, 1, 2>{}, axis<"use_se", &stage::use_se, true, false>{});
};
constexpr const auto& fused = bounds_of<two_stages, fused_blocks, shape{3, 32, 32}, 10>;
static_assert(fused.sram.least.quality == bound_quality::exact);
constexpr auto fused_least = decode(fused.sram.least.witness, shape{3, 32, 32}, 10);
static_assert(costs_of<network<fused_least>, fused_blocks>.sram.size == fused.sram.least.value);
constexpr const auto& packed = bounds_of<two_stages, arena, shape{3, 32, 32}, 10>;
static_assert(packed.sram.least.quality == bound_quality::sound && packed.sram.greatest.quality == bound_quality::none);
static_assert(packed.sram.least.value == bounds_of<two_stages, layerwise, shape{3, 32, 32}, 10>.sram.least.value);
