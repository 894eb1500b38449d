// SPDX-License-Identifier: MIT
// The block types beside the paper's two: their operators in order, mixed in one list with the paper's, and a stage
// struct of the test's own.
#include <string>
#include <vector>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/blocks/basic.hpp>
#include <llmnas/core/blocks/convolution.hpp>
#include <llmnas/core/blocks/xiconv.hpp>
#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/space/canonical.hpp>

#include "support/catch.hpp"

using namespace llmnas;

namespace {

// "conv:16 conv:16 add:16", with "*" behind operators that have an activation.
template <class Net>
std::string operators_of(const Net& net) {
    const dynamic_graph g(net);
    REQUIRE_FALSE(g.error());
    std::string text;
    for (const op& o : g.view().ops)
        if (o.from.stage != origin::outside)
            text += (text.empty() ? "" : " ") + std::string(name_of(o.kind)) + ":" + std::to_string(o.out.channels) +
                    (o.activation == activation_kind::none ? "" : "*");
    return text;
}

struct conv_blocks {
    static constexpr auto types = boost::hana::tuple_t<conv_block, pointwise_block, separable_block, basic_block>;
};
template <class Block>
constexpr block_type of = index_of<conv_blocks, Block>;

using one_conv_stage = architecture<1, conv_stage, conv_blocks>;

// The paper's block types beside the others, on the paper's stage.
struct mixed_blocks {
    static constexpr auto types = boost::hana::tuple_t<depthwise_block, mbconv_block, conv_block, pointwise_block,
                                                       separable_block, basic_block, xiconv_block>;
};

struct xi_blocks {
    static constexpr auto types = boost::hana::tuple_t<xiconv_block>;
};

static_assert(blocks_stand_alone<table1_blocks> && blocks_stand_alone<conv_blocks> &&
              !blocks_stand_alone<mixed_blocks>);

}  // namespace

TEST_CASE("block types: full, pointwise and separable convolutions", "[core]") {
    CHECK(operators_of(one_conv_stage{.stages = {{.num_layers = 2, .stride = 2}}}) == "conv:16* conv:16*");
    CHECK(operators_of(one_conv_stage{.stages = {{.output_channels = 8, .conv_type = of<pointwise_block>}}}) ==
          "conv:8*");
    CHECK(operators_of(one_conv_stage{.stages = {{.output_channels = 8, .conv_type = of<separable_block>}}}) ==
          "conv:3* conv:8*");
    const dynamic_graph stem(one_conv_stage{.input = {3, 32, 32}, .stages = {{.num_layers = 2, .stride = 2}}});
    CHECK(stem.view().ops[0].out == shape{16, 16, 16});
    CHECK(stem.view().ops[1].out == shape{16, 16, 16});
    CHECK(stem.view().ops[0].batch_norm);
    const dynamic_graph same(one_conv_stage{.input = {3, 32, 32},
                                            .stages = {{.stride = 2, .pad = padding_kind::same, .folded_norm = true}}});
    CHECK(same.view().ops[0].pad == padding{0, 1, 0, 1});
    CHECK(same.view().ops[0].bias);
    CHECK_FALSE(same.view().ops[0].batch_norm);
}

TEST_CASE("block types: the basic block projects its input where stride or channels change", "[core]") {
    const auto blocks = [](std::int32_t channels, std::int32_t stride, std::int32_t layers) {
        return one_conv_stage{
            .input = {16, 32, 32},
            .stages = {
                {.output_channels = channels, .num_layers = layers, .stride = stride, .conv_type = of<basic_block>}}};
    };
    CHECK(operators_of(blocks(16, 1, 1)) == "conv:16* conv:16 add:16*");
    CHECK(operators_of(blocks(32, 1, 1)) == "conv:32* conv:32 conv:32 add:32*");
    CHECK(operators_of(blocks(16, 2, 2)) == "conv:16* conv:16 conv:16 add:16* conv:16* conv:16 add:16*");
    const dynamic_graph g(blocks(32, 2, 1));
    CHECK(g.view().inputs_of(g.view().ops[2])[0] == 0);
    CHECK(g.view().ops[2].from.role == role::skip_proj);
    CHECK(g.view().ops[3].out == shape{32, 16, 16});
}

TEST_CASE("block types: XiConv with and without attention, pooling and the broadcast tensor", "[core]") {
    architecture<2, xi_stage, xi_blocks> net{
        .input = {16, 16, 16}, .stages = {{.output_channels = 32, .stride = 2}, {.output_channels = 64, .stride = 2}}};
    CHECK(operators_of(net) ==
          "conv:8 max_pool:8 conv:32* conv:4 conv:32* scale:32 "
          "conv:16 conv:16 add:16 max_pool:16 conv:64* conv:8 conv:64* scale:64");
    net.stages[1] = {.output_channels = 32, .num_layers = 2, .stride = 2, .compression = 2, .attention = false};
    CHECK(operators_of(net) ==
          "conv:8 max_pool:8 conv:32* conv:4 conv:32* scale:32 "
          "conv:16 conv:16 add:16 max_pool:16 conv:32* conv:16 avg_pool:32 conv:16 add:16 conv:32*");
    net.stages[0].compression = -1;
    CHECK(dynamic_graph(net).error().code == graph_errc::compression);
    net.stages[0].compression = 1;  // no convolution before the pooling
    CHECK(dynamic_graph(net).view().ops[0].kind == op_kind::max_pool);
}

TEST_CASE("block types: a window of one size shrinks a map to any smaller one", "[core]") {
    for (std::int32_t in = 1; in < 40; ++in)
        for (std::int32_t out = 1; out <= in + 1; ++out) {
            graph_builder g({4, in, in});
            const tensor y = block_parts::shrink(g, g.input(), out, out);
            CHECK(static_cast<bool>(g.error()) == (out > in));
            if (out <= in) CHECK(y.shape == shape{4, out, out});
        }
}

TEST_CASE("block types: all in one list on the paper's stage, with their fields without effect", "[core]") {
    architecture<7, stage, mixed_blocks> net{.input = {3, 64, 64}, .classes = 10};
    for (std::uint8_t i = 0; i < 7; ++i) net.stages[i].conv_type = {i};
    CHECK(operators_of(net) ==
          "conv:3* conv:16 conv:48* conv:48* conv:16 conv:16* conv:16* conv:16* conv:16* "
          "conv:16* conv:16 add:16* conv:4 conv:16* conv:2 conv:16* scale:16");
    const stage full{.kernel_size = 5, .expansion_factor = 6, .use_se = true, .conv_type = {2}};
    CHECK(detail::canonical_stage<mixed_blocks>(full) == stage{.kernel_size = 5, .conv_type = {2}});
    const stage narrow{.kernel_size = 5, .conv_type = {3}, .skip_op = skip_kind::residual};
    CHECK(detail::canonical_stage<mixed_blocks>(narrow) == stage{.conv_type = {3}});
    const conv_stage other{.kernel_size = 5, .conv_type = of<pointwise_block>};
    CHECK(detail::canonical_stage<conv_blocks>(other) == conv_stage{.conv_type = of<pointwise_block>});
}
