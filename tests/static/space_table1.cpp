// SPDX-License-Identifier: MIT
#include <llmnas/space/cardinality.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/lmanet.hpp>

using namespace llmnas;

// The paper: 17,280 configurations a stage; canonical counts: docs of space/canonical.hpp.
static_assert(stage_cardinality<table1> == 17'280);
static_assert(stage_cardinality<table1_se> == 25'920);
static_assert(canonical_stage_cardinality<table1> == 10'944);
static_assert(canonical_stage_cardinality<table1_se> == 16'416);
static_assert(cardinality<table1> == uint128{17'280} * 17'280 * 17'280 * 17'280 * 17'280);
static_assert(cardinality<table1_se> / 25'920 / 25'920 / 25'920 / 25'920 == 25'920);
static_assert(cardinality<table1> > ~std::uint64_t{0});

// rank and unrank are inverse, at the ends and inside.
template <class Space>
constexpr bool round_trips(uint128 index) {
    const auto p = unrank<Space>(index);
    return rank(p) == index && encode<Space>(decode(p)).point == p && contains<Space>(decode(p));
}
static_assert(round_trips<table1>(0));
static_assert(round_trips<table1>(cardinality<table1> - 1));
static_assert(round_trips<table1_se>(0));
static_assert(round_trips<table1_se>(cardinality<table1_se> - 1));
static_assert(round_trips<table1_se>(cardinality<table1_se> / 7 * 3 + 12'345));

// Published networks use expansion 2: fixed designs, not points. The first violation is named.
static_assert(contains<table1_se>(zoo::lmanet_elite));
static_assert(!contains<table1>(zoo::lmanet_elite), "Elite's SE ratio 1/2 is not the ratio of table1");
static_assert(encode<table1>(zoo::lmanet_elite).violation.what == space_violation::kind::fixed_field);
static_assert(encode<table1>(zoo::lmanet_elite).violation.stage == 3);
static_assert(!contains<table1_se>(zoo::lmanet_core));
static_assert(encode<table1_se>(zoo::lmanet_core).violation.what == space_violation::kind::choice);
static_assert(encode<table1_se>(zoo::lmanet_core).violation.stage == 0);
static_assert(axis_names<table1_se>[encode<table1_se>(zoo::lmanet_core).violation.axis] == "expansion_factor");

// Fields without effect do not distinguish points.
constexpr auto without_effect = [] {
    auto a = unrank<table1_se>(cardinality<table1_se> / 2);
    auto net = decode(a);
    net.stages[0] = {.num_layers = 1,
                     .stride = 2,
                     .expansion_factor = 6,
                     .conv_type = block_type::depthwise,
                     .skip_op = skip_kind::residual};
    auto other = net;
    other.stages[0].expansion_factor = 3;
    other.stages[0].skip_op = skip_kind::identity;
    other.stages[0].se_ratio = {0, 1};
    return canonical(encode<table1_se>(net).point) == canonical(encode<table1_se>(other).point) && !(net == other);
}();
static_assert(without_effect);
