// SPDX-License-Identifier: MIT
#include <cstdint>
#include <limits>
#include <vector>

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/block_list.hpp>
#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/graph_hash.hpp>
#include <llmnas/core/network.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>

#include "support/catch.hpp"

using namespace llmnas;

TEST_CASE("lowering: the published slot numbers of a block with SE and projection", "[core]") {
    constexpr architecture<1> net{.input = {8, 16, 16},
                                  .classes = 10,
                                  .stages = {{.output_channels = 16,
                                              .num_layers = 1,
                                              .use_se = true,
                                              .se_ratio = {1, 2},
                                              .skip_op = skip_kind::residual}}};
    const auto& ops = network<net>::view.ops;
    struct expected {
        role r;
        int slot;
        int channels;
    };
    // pw(0) bn(1) act(2) dw(3) bn(4) act(5) se(6) pw(7) bn(8), then the projection of the residual and the sum.
    const std::vector<expected> wanted{{role::expand, 0, 24},    {role::depthwise, 3, 24}, {role::se_pool, 6, 24},
                                       {role::se_reduce, 6, 12}, {role::se_expand, 6, 24}, {role::se_scale, 6, 24},
                                       {role::project, 7, 16},   {role::skip_proj, 9, 16}, {role::skip_add, 9, 16},
                                       {role::head_pool, 0, 16}, {role::classifier, 0, 10}};
    REQUIRE(ops.size() == wanted.size());
    for (std::size_t i = 0; i < ops.size(); ++i) {
        INFO(i);
        CHECK(ops[i].from.role == wanted[i].r);
        CHECK(static_cast<int>(ops[i].from.slot) == wanted[i].slot);
        CHECK(ops[i].out.channels == wanted[i].channels);
    }
}

TEST_CASE("lowering: first block has the stride, the others do not; residual only where the stride is 1", "[core]") {
    constexpr architecture<1> net{.stages = {{.output_channels = 3,
                                              .num_layers = 3,
                                              .stride = 2,
                                              .conv_type = block_type::depthwise,
                                              .skip_op = skip_kind::residual}}};
    int sums = 0;
    for (const op& o : network<net>::view.ops) {
        if (o.from.role == role::depthwise) CHECK(o.stride_h == (o.from.block == 0 ? 2 : 1));
        sums += o.kind == op_kind::add ? 1 : 0;
        CHECK(o.from.role != role::skip_proj);
    }
    CHECK(sums == 2);
}

TEST_CASE("lowering: compile time and run time give the same graph", "[core]") {
    const dynamic_graph at_run_time(zoo::lmanet_elite);
    REQUIRE_FALSE(at_run_time.error());
    CHECK(at_run_time.view() == network<zoo::lmanet_elite>::view);
    CHECK(graph_hash(at_run_time.view()) == graph_hash(network<zoo::lmanet_elite>::view));
    CHECK(graph_hash(at_run_time.view()) != graph_hash(network<zoo::lmanet_core>::view));
}

TEST_CASE("lowering: last uses are those of the inputs lists", "[core]") {
    for (const auto& g :
         {network<zoo::lmanet_elite>::view, network<zoo::lmanet_core>::view, network<zoo::ds_cnn>::view})
        for (std::size_t i = 0; i < g.ops.size(); ++i) {
            auto last = static_cast<std::int32_t>(i);
            for (std::size_t k = 0; k < g.ops.size(); ++k)
                for (const std::int32_t id : g.inputs_of(g.ops[k]))
                    if (id == static_cast<std::int32_t>(i) + 1) last = static_cast<std::int32_t>(k);
            CHECK(g.ops[i].last_use == last);
        }
}

TEST_CASE("lowering: SAME padding of TensorFlow", "[core]") {
    const auto& ops = network<zoo::ds_cnn>::view.ops;
    CHECK(ops[0].out == shape{64, 25, 5});
    CHECK(ops[0].pad == padding{4, 5, 1, 1});
    CHECK(same_padding({3, 96, 96}, 3, 3, 2, 2) == padding{0, 1, 0, 1});
    CHECK(same_padding({3, 7, 7}, 1, 1, 2, 2) == padding{0, 0, 0, 0});
    // Kernels and strides that no operator may have do not overflow: the builder refuses them by name.
    constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min();
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
    for (const std::int32_t illegal : {least, -1, 0, max_kernel + 1, most}) {
        CHECK(same_padding({3, 7, 7}, illegal, 3, 1, 1) == padding{0, 0, 1, 1});
        CHECK(same_padding({3, 7, 7}, 3, 3, illegal, 2) == padding{0, 0, 1, 1});
    }
    static_assert(same_padding({3, 7, 7}, most, least, 1, 1) == padding{});
}

TEST_CASE("lowering: illegal values end in an error with place, value and limit", "[core]") {
    const auto error_of = [](auto change) {
        architecture<2> net{.stages = {{}, {}}};
        change(net);
        return dynamic_graph(net).error();
    };
    const auto channels = error_of([](auto& n) { n.stages[1].output_channels = 0; });
    CHECK(channels.code == graph_errc::channels);
    CHECK(channels.at.stage == 1);
    CHECK(channels.got == 0);
    CHECK(channels.limit == max_extent);
    CHECK(error_of([](auto& n) { n.stages[0].output_channels = 40'000; }).code == graph_errc::channels);
    CHECK(error_of([](auto& n) { n.stages[0].kernel_size = -3; }).code == graph_errc::kernel_size);
    CHECK(error_of([](auto& n) { n.stages[0].stride = 0; }).code == graph_errc::stride);
    CHECK(error_of([](auto& n) { n.stages[0].num_layers = 65; }).code == graph_errc::layers);
    CHECK(error_of([](auto& n) { n.stages[0].expansion_factor = 0; }).code == graph_errc::expansion_factor);
    CHECK(error_of([](auto& n) { n.stages[0].conv_type = {7}; }).code == graph_errc::block_type);
    CHECK(error_of([](auto& n) { n.input.height = 0; }).code == graph_errc::input_size);
    CHECK(error_of([](auto& n) { n.classes = 0; }).code == graph_errc::channels);
    CHECK(error_of([](auto& n) {
              n.stages[0].use_se = true, n.stages[0].se_ratio = {1, 0};
          }).code == graph_errc::se_ratio);
    // 3 channels x 20,000 = 60,000 expanded channels.
    CHECK(error_of([](auto& n) { n.stages[0].expansion_factor = 20'000; }).code == graph_errc::channels);

    block_list<1> wrong{.blocks = {{.expanded = 16, .stride = 2, .output_channels = 16, .residual = true}}};
    CHECK(dynamic_graph(wrong).error().code == graph_errc::shapes_differ);

    // An even kernel adds a row and a column: what differs is not the channels.
    const graph_error sum =
        error_of([](auto& n) { n.stages[1].kernel_size = 4, n.stages[1].skip_op = skip_kind::residual; });
    CHECK(sum.code == graph_errc::shapes_differ);
    CHECK(sum.got == 160);
    CHECK(sum.limit == 161);
}

TEST_CASE("lowering: storage that is too small is an error, not an overrun", "[core]") {
    const auto g = lower_into<5, 5>(zoo::lmanet_elite);
    CHECK(g.error.code == graph_errc::capacity);
    CHECK(g.used.ops <= 5);
}

TEST_CASE("lowering: products with gates, one a channel or of the map's shape", "[core]") {
    struct gated {
        shape input{4, 6, 6};
        std::int32_t channels = 4;
        std::int32_t stride = 1;
        constexpr void lower(graph_builder& g) const {
            const tensor x = g.pointwise(g.input(), role::main, 4, activation_kind::none);
            const tensor gates =
                g.conv(x, role::main, {.out_channels = channels, .stride_h = stride, .stride_w = stride});
            const tensor y = g.multiply(x, gates, activation_kind::relu);
            g.multiply(y, g.global_avg_pool(y));
        }
    };
    const dynamic_graph whole(gated{});
    REQUIRE_FALSE(whole.error());
    const op& product = whole.view().ops[2];
    CHECK(product.kind == op_kind::scale);
    CHECK(product.activation == activation_kind::relu);
    CHECK(product.in == product.out);
    CHECK(whole.view().shape_of(whole.view().inputs_of(product)[1]) == shape{4, 6, 6});
    CHECK(dynamic_graph(gated{.channels = 3}).error().code == graph_errc::shapes_differ);
    CHECK(dynamic_graph(gated{.stride = 2}).error().code == graph_errc::shapes_differ);
}

TEST_CASE("lowering: a block reads what an earlier one has published", "[core]") {
    struct broadcasting {
        shape input{4, 6, 6};
        bool first = true;
        constexpr void lower(graph_builder& g) const {
            const tensor x = g.pointwise(g.input(), role::main, 4, activation_kind::none);
            if (first) g.publish(x);
            g.begin_block(1, 2);
            const tensor y = g.pointwise(x, role::main, 4, activation_kind::none);
            g.add(y, g.published());
            if (!first) g.publish(x);
        }
    };
    const dynamic_graph net(broadcasting{});
    REQUIRE_FALSE(net.error());
    CHECK(net.view().inputs_of(net.view().ops[2])[1] == 1);
    CHECK(net.view().ops[0].last_use == 2);
    const graph_error late = dynamic_graph(broadcasting{.first = false}).error();
    CHECK(late.code == graph_errc::not_published);
    CHECK(late.at.stage == 1);
    CHECK(late.at.block == 2);
}
