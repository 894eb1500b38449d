// SPDX-License-Identifier: MIT
// A block type of one's own, with a stage struct and fields of its own: one struct with a lowering gives MACs,
// parameters, flash, SRAM, the search space's counting, and the training module. Nothing in the library changes.
#include <cstdio>

#include <llmnas/static.hpp>

using namespace llmnas;

//! [block]
// A stage of "ghost" blocks (Han et al., "GhostNet", 2020): half of the channels by a pointwise convolution, the other
// half by a cheap depthwise one on top of it.
struct ghost_stage {
    std::int32_t channels = 16;
    std::int32_t num_layers = 1;
    std::int32_t stride = 1;
    std::int32_t cheap_kernel = 3;
    friend constexpr bool operator==(const ghost_stage&, const ghost_stage&) = default;
};

struct ghost_block {
    static constexpr std::string_view name = "ghost";

    static constexpr tensor lower(graph_builder& g, const ghost_stage& s, std::size_t block, tensor x) {
        const tensor primary = g.pointwise(x, role::main, s.channels / 2, activation_kind::relu);
        const tensor cheap = g.depthwise(primary, s.cheap_kernel, 1, activation_kind::relu);
        const tensor y = g.concat({primary, cheap});
        return block == 0 && s.stride > 1 ? g.depthwise(y, 3, s.stride, activation_kind::none) : y;
    }
};

struct ghost_blocks {
    static constexpr auto types = boost::hana::tuple_t<ghost_block>;
};

constexpr architecture<3, ghost_stage, ghost_blocks> ghost_net{
    .input = {3, 64, 64},
    .classes = 10,
    .stages = {{.channels = 16, .stride = 2},
               {.channels = 32, .num_layers = 2, .stride = 2, .cheap_kernel = 5},
               {.channels = 64, .stride = 2}}};
static_assert(check_fits<network<ghost_net>, mcu::nrf52840>());
//! [block]

//! [space]
// A search space over the new fields: 3 x 2 x 2 = 12 configurations a stage.
struct ghost_space {
    static constexpr std::string_view name = "ghost";
    using stage_type = ghost_stage;
    using blocks = ghost_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(axis<"channels", &ghost_stage::channels, 16, 32, 64>{},
                                                         axis<"num_layers", &ghost_stage::num_layers, 1, 2>{},
                                                         axis<"cheap_kernel", &ghost_stage::cheap_kernel, 3, 5>{});
};
static_assert(SearchSpace<ghost_space>);
static_assert(stage_cardinality<ghost_space> == 12 && cardinality<ghost_space> == 12 * 12 * 12);
//! [space]

int main() {
    constexpr costs c = costs_of<network<ghost_net>>;
    std::printf("ghost_net: %llu MACs, %llu bytes of SRAM\n", static_cast<unsigned long long>(c.mac_count.value),
                static_cast<unsigned long long>(c.sram.size.value));
    splitmix64 rng{1};
    for (int i = 0; i < 3; ++i) {
        const auto net = decode(sample<ghost_space>(rng), shape{3, 64, 64}, 10);
        std::printf("a random point: channels %d, %d, %d\n", net.stages[0].channels, net.stages[1].channels,
                    net.stages[2].channels);
    }
}
