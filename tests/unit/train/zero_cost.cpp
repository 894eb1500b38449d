// SPDX-License-Identifier: MIT
// Scores of untrained networks against what can be counted by hand.
#include <cmath>
#include <cstdint>
#include <memory>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/zero_cost_scores.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/short_training.hpp"

using namespace llmnas;
using namespace llmnas::test;

namespace {

// Two layers of weights, ReLU6 between them.
struct two_layers {
    shape input{2, 4, 4};
    constexpr void lower(graph_builder& g) const {
        const tensor x = g.conv(g.input(), role::stem,
                                {.out_channels = 3,
                                 .kernel_h = 3,
                                 .kernel_w = 3,
                                 .pad = {1, 1, 1, 1},
                                 .activation = activation_kind::relu6});
        g.linear(g.global_avg_pool(x), 5);
    }
};

// One layer with an activation, so that the lit units are its own.
struct one_layer {
    shape input{3, 8, 8};
    constexpr void lower(graph_builder& g) const {
        const tensor x = g.conv(g.input(), role::stem, {.out_channels = 40, .activation = activation_kind::leaky_relu});
        g.linear(g.global_avg_pool(x), 4);
    }
};

}  // namespace

TEST_CASE("synaptic flow is the flow through each layer, counted once a layer", "[train]") {
    const dynamic_graph g{two_layers{}};
    REQUIRE(!g.error());
    const auto score = synaptic_flow{.resolution = 4}(g.view(), 3);
    REQUIRE(score);
    // Every path runs through one weight of each layer: both layers hold the whole flow R.
    network_module net(g.view(), 3);
    const auto weights = net.named_parameters();
    const at::Tensor filters = weights["stem.0.weight"].detach().to(at::kDouble).abs();
    const at::Tensor last = weights["classifier.weight"].detach().to(at::kDouble).abs();
    const at::Tensor maps = at::conv2d(at::ones({1, 2, 4, 4}, at::kDouble), filters, {}, {1, 1}, {1, 1});
    const double flow = at::linear(maps.mean({2, 3}), last).sum().item<double>();
    CHECK(*score == Catch::Approx(std::log(2 * flow)));
}

TEST_CASE("synaptic flow passes through squeeze-and-excite and grows with width", "[train]") {
    auto wide = tiny;
    wide.stages[1].output_channels = 16;
    wide.stages[0].output_channels = 16;
    const synaptic_flow score{.resolution = 8};
    const auto narrow = score(dynamic_graph(tiny).view(), 1);
    REQUIRE(narrow);
    CHECK(*score(dynamic_graph(wide).view(), 1) > *narrow);
    CHECK(score(dynamic_graph(zoo::lmanet_elite).view(), 1));
}

TEST_CASE("the overlap of activations is the log determinant of common codes", "[train]") {
    const auto data = quarters();
    const dynamic_graph g{one_layer{}};
    REQUIRE(!g.error());
    const activation_overlap score{.data = data, .images = 6, .resolution = 8};
    const auto found = score(g.view(), 5);
    REQUIRE(found);
    const auto chosen = stratified_indices(data->train.labels, data->train.classes, 6, 0);
    network_module net(g.view(), 5);
    const at::Tensor images = make_batch(data->train, chosen, {.resolution = 8}).images;
    const at::Tensor codes = (at::conv2d(images, net.named_parameters()["stem.0.weight"].detach()) > 0).flatten(1);
    at::Tensor kernel = at::zeros({6, 6}, at::kDouble);
    for (std::int64_t i = 0; i < 6; ++i)
        for (std::int64_t j = 0; j < 6; ++j) kernel[i][j] = (codes[i] == codes[j]).sum().item<double>();
    CHECK(*found == Catch::Approx(std::get<1>(at::slogdet(kernel)).item<double>()));
}

TEST_CASE("images that light up the same units have no score", "[train]") {
    auto twice = std::make_shared<training_data>(*quarters());
    const std::size_t bytes = twice->train.image_bytes();
    for (std::size_t i = 1; i < twice->train.size(); ++i)
        std::copy_n(twice->train.pixels.begin(), bytes,
                    twice->train.pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes));
    const dynamic_graph g{one_layer{}};
    const auto score = activation_overlap{.data = twice, .images = 4, .resolution = 8}(g.view(), 1);
    REQUIRE(!score);
    CHECK_THAT(score.error().text(), Catch::Matchers::ContainsSubstring("naswot"));
}
