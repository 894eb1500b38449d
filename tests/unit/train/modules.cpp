// SPDX-License-Identifier: MIT
// The module that a graph becomes, its evaluation against its own logits, and scores against confusion matrices counted
// by hand.
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/cost/terms.hpp>
#include <llmnas/train/confusion_matrix.hpp>
#include <llmnas/train/evaluate.hpp>
#include <llmnas/train/fits_images.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/resolution.hpp>
#include <llmnas/train/state_dict.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>
#include <llmnas/zoo/xinet.hpp>

#include "support/catch.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;

namespace {

// Every operator kind, asymmetric padding, groups, every activation, a linear layer on more than one pixel.
struct everything {
    shape input{4, 12, 10};
    constexpr void lower(graph_builder& g) const {
        tensor x = g.conv(g.input(), role::stem,
                          {.out_channels = 8,
                           .kernel_h = 3,
                           .kernel_w = 5,
                           .stride_h = 2,
                           .pad = {0, 1, 1, 3},
                           .groups = 2,
                           .batch_norm = true,
                           .activation = activation_kind::relu});
        g.begin_block(0, 0);
        const tensor a = g.pointwise(x, role::expand, 8, activation_kind::leaky_relu);
        const tensor b = g.avg_pool(x, {.kernel_h = 3, .kernel_w = 3, .pad = {0, 2, 1, 1}});
        const tensor c = g.max_pool(x, {.kernel_h = 3, .kernel_w = 3, .pad = {2, 0, 1, 1}});
        x = g.concat({a, b, c});
        x = g.squeeze_excite(g.depthwise(x, 5, 1, activation_kind::swish), 3);
        x = g.add(x, g.pointwise(x, role::skip_proj, 24, activation_kind::relu6), activation_kind::relu);
        g.begin_block(0, 1);
        x = g.conv(x, role::main, {.out_channels = 5, .bias = true, .activation = activation_kind::sigmoid});
        g.end_blocks();
        g.linear(g.global_avg_pool(x), 7);
    }
};

// One operator, for comparison with numbers known by hand.
struct pooled {
    shape input{1, 4, 4};
    bool maximum = false;
    constexpr void lower(graph_builder& g) const {
        const conv_attributes a{.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad = {0, 1, 0, 1}};
        if (maximum)
            g.max_pool(g.input(), a);
        else
            g.avg_pool(g.input(), a);
    }
};

confusion_matrix matrix(const std::vector<std::vector<std::int64_t>>& rows) {
    confusion_matrix m(static_cast<std::int32_t>(rows.size()));
    for (std::int32_t t = 0; t < m.classes(); ++t)
        for (std::int32_t p = 0; p < m.classes(); ++p)
            m.add(t, p, rows[static_cast<std::size_t>(t)][static_cast<std::size_t>(p)]);
    return m;
}

void check(const class_scores& s, double precision, double recall, double f1) {
    CHECK(s.precision == Catch::Approx(precision));
    CHECK(s.recall == Catch::Approx(recall));
    CHECK(s.f1 == Catch::Approx(f1));
}

}  // namespace

TEST_CASE("a module of every operator kind", "[train]") {
    at::set_num_threads(1);
    const dynamic_graph g{everything{}};
    REQUIRE(!g.error());
    network_module net(g.view(), 5, {.dropout = 0.5});

    std::set<std::string> names;
    for (const auto& t : state_of(net).entries) names.insert(t.name);
    const auto expected = state_names_of(g.view());
    CHECK(names == std::set<std::string>(expected.begin(), expected.end()));

    net.eval();
    const at::Tensor x = at::ones({2, 4, 12, 10});
    const at::Tensor y = net.forward(x);
    CHECK(y.sizes() == at::IntArrayRef{2, 7});
    CHECK(at::isfinite(y).all().item<bool>());
    CHECK(net.forward(at::ones({1, 4, 21, 9})).sizes() == at::IntArrayRef{1, 7});  // another size

    net.train();
    const at::Tensor trained = net.forward(x);
    trained.sum().backward();
    for (const auto& p : net.named_parameters()) {
        INFO(p.key());
        CHECK(p.value().grad().defined());
    }
    CHECK(net.named_buffers()["stem.1.num_batches_tracked"].item<std::int64_t>() == 1);

    // The layout changes nothing but rounding.
    net.eval();
    net.use_channels_last();
    const at::Tensor z = net.forward(x.contiguous(at::MemoryFormat::ChannelsLast));
    network_module again(g.view(), 5);
    REQUIRE(load_into(again, state_of(net)));
    again.eval();
    CHECK(at::allclose(z, again.forward(x), 1e-4, 1e-5));
}

TEST_CASE("modules of the zoo's other block types: XiNet with its broadcast tensor, resnet8", "[train]") {
    at::set_num_threads(1);
    const auto check = [](const dynamic_graph& g, std::int64_t classes) {
        REQUIRE(!g.error());
        network_module net(g.view(), 3);
        std::uint64_t trainable = 0;
        for (const at::Tensor& p : net.parameters()) trainable += static_cast<std::uint64_t>(p.numel());
        CHECK(params{trainable} == total<parameter_count>(g.view()));
        const shape in = g.view().input;
        const at::Tensor y = net.forward(at::ones({2, in.channels, in.height, in.width}));
        CHECK(y.sizes() == at::IntArrayRef{2, classes});
        CHECK(at::isfinite(y).all().item<bool>());
        y.sum().backward();
        for (const at::Tensor& p : net.parameters()) CHECK(p.grad().defined());
    };
    check(dynamic_graph(zoo::xinet<5>({.alpha = {1, 2}, .resolution = 64, .classes = 10})), 10);
    check(dynamic_graph(zoo::resnet8), 10);
    // Halving with rounding down commutes with the windows of the broadcast tensor: every size runs.
    CHECK(shapes_at(dynamic_graph(zoo::xinet_l5).view(), 101, 75)->back() == shape{100, 1, 1});
}

TEST_CASE("padding does not count in pooled means and never wins a maximum", "[train]") {
    const dynamic_graph average{pooled{}};
    const dynamic_graph maximum{pooled{.maximum = true}};
    network_module avg(average.view());
    network_module max(maximum.view());
    const at::Tensor x = at::arange(16, at::kFloat).reshape({1, 1, 4, 4}) - 20;
    CHECK(at::allclose(avg.forward(x), at::tensor({-15.0F, -13.5F, -9.0F, -7.5F}).unsqueeze(0)));
    CHECK(at::equal(max.forward(x), at::tensor({-10.0F, -9.0F, -6.0F, -5.0F}).unsqueeze(0)));
}

TEST_CASE("initialisation follows the recipe and the seed", "[train]") {
    const dynamic_graph g(zoo::lmanet_elite);
    network_module a(g.view(), 1);
    network_module b(g.view(), 1);
    network_module c(g.view(), 2);
    const auto pa = a.named_parameters();
    for (const auto& p : pa) CHECK(at::equal(p.value(), b.named_parameters()[p.key()]));
    const at::Tensor w = pa["layers.4.layers.1.conv.0.weight"];  // 384 x 128 x 1 x 1
    CHECK(!at::equal(w, c.named_parameters()["layers.4.layers.1.conv.0.weight"]));
    CHECK(w.std().item<double>() == Catch::Approx(std::sqrt(2.0 / static_cast<double>(w.size(0)))).epsilon(0.02));
    CHECK(pa["classifier.weight"].std().item<double>() == Catch::Approx(0.01).epsilon(0.05));
    CHECK(pa["classifier.bias"].abs().sum().item<double>() == 0);
}

TEST_CASE("scores of a confusion matrix", "[train]") {
    // Rows are true classes.
    const confusion_matrix m = matrix({{5, 1, 0}, {2, 6, 2}, {0, 1, 3}});
    CHECK(m.images() == 20);
    CHECK(m.hits() == 14);
    CHECK(m.images_of(1) == 10);
    CHECK(m.taken_for(1) == 8);
    CHECK(m.count(1, 2) == 2);
    check(m.scores(0), 5.0 / 7, 5.0 / 6, 10.0 / 13);
    check(m.scores(1), 6.0 / 8, 6.0 / 10, 12.0 / 18);
    check(m.scores(2), 3.0 / 5, 3.0 / 4, 6.0 / 9);
    check(m.macro(), (5.0 / 7 + 0.75 + 0.6) / 3, (5.0 / 6 + 0.6 + 0.75) / 3, (10.0 / 13 + 12.0 / 18 + 6.0 / 9) / 3);
    // Classes count once, whatever their size: the micro mean would be 0.99.
    check(matrix({{98, 0}, {1, 1}}).macro(), (98.0 / 99 + 1) / 2, 0.75, (196.0 / 197 + 2.0 / 3) / 2);
}

TEST_CASE("scores where classes are missing", "[train]") {
    // Class 1 has images, but nothing is taken for it; class 2 the other way; class 3 neither.
    const confusion_matrix m = matrix({{4, 0, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}});
    check(m.scores(1), 0, 0, 0);
    check(m.scores(2), 0, 0, 0);
    check(m.scores(3), 0, 0, 0);
    check(m.macro(), (4.0 / 5) / 3, 1.0 / 3, (8.0 / 9) / 3);
    check(matrix({{0, 0}, {0, 0}}).macro(), 0, 0, 0);
    check(confusion_matrix().macro(), 0, 0, 0);
    check(matrix({{3, 0}, {0, 2}}).macro(), 1, 1, 1);
}

TEST_CASE("an evaluation is that of the logits, in batches of any size, and ends where it is told", "[train]") {
    use_threads(1);
    constexpr architecture<1> small{
        .input = {3, 8, 8}, .classes = 7, .stages = {{.output_channels = 8, .stride = 2, .expansion_factor = 3}}};
    const dynamic_graph g(small);
    network_module net(g.view(), 3);
    net.train();
    image_set set{.name = "noise", .image = {3, 8, 8}, .classes = 7};
    splitmix64 rng{1};
    for (std::int32_t i = 0; i < 50; ++i) {
        set.labels.push_back(static_cast<std::int32_t>(rng.below(7)));
        for (std::size_t b = 0; b < set.image_bytes(); ++b)
            set.pixels.push_back(static_cast<std::uint8_t>(rng.below(256)));
    }
    const batch_layout layout{.resolution = 8, .channels_last = false};
    std::vector<std::size_t> seen;
    const evaluation e = evaluate(net, set, layout, 16, [&](std::size_t done) {
        seen.push_back(done);
        return true;
    });
    CHECK(seen == std::vector<std::size_t>{16, 32, 48, 50});
    CHECK(net.is_training());

    const c10::NoGradGuard guard;
    net.eval();
    std::vector<std::size_t> all(set.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    const batch b = make_batch(set, all, layout);
    const at::Tensor logits = net.forward(b.images);
    const at::Tensor chosen = logits.argmax(1);
    std::int64_t five = 0;
    confusion_matrix confusion(7);
    for (std::int64_t i = 0; i < 50; ++i) {
        const auto label = b.labels[i].item<std::int64_t>();
        confusion.add(static_cast<std::int32_t>(label), static_cast<std::int32_t>(chosen[i].item<std::int64_t>()));
        five += logits[i].gt(logits[i][label]).sum().item<std::int64_t>() < 5;
    }
    CHECK(e.confusion == confusion);
    CHECK(e.images == 50);
    CHECK(e.top1 == Catch::Approx(static_cast<double>(confusion.hits()) / 50));
    CHECK(e.top5 == Catch::Approx(static_cast<double>(five) / 50));
    CHECK(e.loss == Catch::Approx(at::cross_entropy_loss(logits, b.labels).item<double>()));
    const evaluation single = evaluate(net, set, layout, 50);
    CHECK(single.confusion == e.confusion);

    const evaluation part = evaluate(net, set, layout, 16, [](std::size_t done) { return done < 32; });
    CHECK(part.images == 32);
    CHECK(part.confusion.images() == 32);
    CHECK(evaluate(net, select(set, {}, "none"), layout).images == 0);

    CHECK(fits_images(g.view(), set, 8, "here"));
    CHECK_THAT(
        fits_images(dynamic_graph(zoo::lmanet_core).view(), set, 8, "here").error().text(),
        ContainsSubstring("here: outputs of the network and classes of the data differ (got 100x1x1, wanted 7)"));
}
