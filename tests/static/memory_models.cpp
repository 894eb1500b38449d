// SPDX-License-Identifier: MIT
// Reference values of every memory model for the paper's two networks at 3x160x160, from an independent byte-level
// simulation. Where ours is smaller, the larger figure stands beside it.
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/memory/with_runtime.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/zoo/lmanet.hpp>

using namespace llmnas;

namespace {

using elite = network<zoo::lmanet_elite>;
using core_net = network<zoo::lmanet_core>;

template <class Model, class Net>
constexpr memory_peak peak = Model::peak(Net::view);

constexpr bool is_at(const memory_peak& p, const graph_view& g, int stage, int block, role r) {
    const origin o = origin_of(g, p);
    return o.stage == stage - 1 && o.block == block - 1 && o.role == r;
}

// a. layerwise
static_assert(peak<layerwise, elite>.size == 204'800_B);
static_assert(is_at(peak<layerwise, elite>, elite::view, 3, 1, role::expand));
static_assert(peak<layerwise, core_net>.size == 307'200_B);
static_assert(is_at(peak<layerwise, core_net>, core_net::view, 2, 1, role::expand));

// b. arena: maps and scratch, and with the persistent tables
static_assert(peak<arena, elite>.activations() == 204'800_B);
static_assert(peak<arena, elite>.size == 246'264_B);
static_assert(peak<arena, core_net>.activations() == 307'200_B);
static_assert(peak<arena, core_net>.size == 343'552_B);

// c. depthwise in place: maps, and with the global buffers
static_assert(peak<in_place_depthwise, elite>.activations() == 204'800_B);
static_assert(peak<in_place_depthwise, elite>.size == 257'288_B);
static_assert(peak<in_place_depthwise, core_net>.activations() == 307'200_B);
static_assert(peak<in_place_depthwise, core_net>.size == 359'688_B);

// d. overlay
static_assert(peak<overlaid, elite>.size == 155'616_B);
static_assert(is_at(peak<overlaid, elite>, elite::view, 3, 1, role::depthwise));
static_assert(peak<overlaid, core_net>.size == 207'488_B);
static_assert(is_at(peak<overlaid, core_net>, core_net::view, 3, 1, role::depthwise));

// e. fused blocks
static_assert(peak<fused_blocks, elite>.size == 104'976_B);
static_assert(is_at(peak<fused_blocks, elite>, elite::view, 1, 2, role::depthwise));
static_assert(peak<fused_blocks, core_net>.size == 115'232_B);
static_assert(is_at(peak<fused_blocks, core_net>, core_net::view, 2, 1, role::depthwise));

// f. streamed prefix
static_assert(peak<streamed_prefix<>, elite>.size == 127'184_B);
static_assert(peak<streamed_prefix_rows, elite>.size == 77'284_B, "78,436 in the reference: see planned_rows");
static_assert(peak<streamed_prefix<>, core_net>.size == 235'840_B);
static_assert(peak<streamed_prefix_rows, core_net>.size == 160'640_B);

// g. planned
static_assert(peak<planned<>, elite>.size == 87'056_B);
static_assert(peak<planned<>, core_net>.size == 92'512_B);
static_assert(peak<planned_rows, core_net>.size == 67'968_B);
static_assert(
    peak<planned_rows, elite>.size == 77'284_B,
    "78,436 in the reference, which keeps int32 sums beside the padded plane of the depthwise convolution; here "
    "the pooling runs after it, channel by channel");
static_assert(is_at(peak<planned_rows, elite>, elite::view, 4, 2, role::depthwise));
static_assert(peak<planned_rows_two_pass, elite>.size == 57'536_B);

constexpr memory_plan two_pass = planned_rows_two_pass::plan(elite::view);
static_assert(two_pass.complete && two_pass.recomputed == macs{14'496'000}, "17.69 % of 81,963,264");
static_assert(two_pass.recomputed.value * 10'000 / costs_of<elite>.mac_count.value == 1'768);

static_assert(planned<>::plan(elite::view).moved == 70'400_B, "the input comes to where the first part has it");
static_assert(planned<>::plan(core_net::view).moved == 0_B);

// A plan is as large as its largest part, and the layout of a peak ends at it.
template <class Model, class Net>
constexpr bool consistent() {
    const memory_layout l = Model::layout(Net::view);
    if (!l.complete || !(l.peak == peak<Model, Net>) || !(l.end() == l.peak.size)) return false;
    bytes by_operator[64]{};
    Model::usage(Net::view, by_operator);
    if (!(by_operator[l.peak.at] == l.peak.size)) return false;
    if constexpr (requires { Model::plan(Net::view); }) {
        const memory_plan p = Model::plan(Net::view);
        bytes largest;
        for (const plan_part& part : p.parts())
            if (part.size > largest) largest = part.size;
        return p.complete && p.peak == l.peak && largest == l.peak.size;
    }
    return true;
}
static_assert(consistent<layerwise, elite>() && consistent<layerwise, core_net>());
static_assert(consistent<arena, elite>() && consistent<arena, core_net>());
static_assert(consistent<in_place_depthwise, elite>() && consistent<in_place_depthwise, core_net>());
static_assert(consistent<overlaid, elite>() && consistent<overlaid, core_net>());
static_assert(consistent<fused_blocks, elite>() && consistent<fused_blocks, core_net>());
static_assert(consistent<streamed_prefix<>, elite>() && consistent<streamed_prefix<>, core_net>());
static_assert(consistent<planned<>, elite>() && consistent<planned<>, core_net>());
static_assert(consistent<planned_rows, elite>() && consistent<planned_rows, core_net>());
static_assert(consistent<planned_rows_two_pass, elite>());

// An allowance is visible: in the name, the overhead and the layout.
using on_board = with_runtime<planned<>, 20 * 1024>;
static_assert(on_board::name == "planned+20480B");
static_assert(peak<on_board, elite>.size == 107'536_B && peak<on_board, elite>.overhead == 20_KiB);
static_assert(consistent<on_board, elite>());

}  // namespace
