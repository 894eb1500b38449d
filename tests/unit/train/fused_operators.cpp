// SPDX-License-Identifier: MIT
// Operators with gradients of our own: against libtorch's, against differences of their values, and in a training.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/fused_operators.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/sgd.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"

using namespace llmnas;

namespace {

at::Tensor by_channels(const at::Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor normal(at::IntArrayRef size, std::uint64_t seed) {
    return at::empty(size).normal_(0, 1, make_generator(seed));
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
    REQUIRE(a.sizes() == b.sizes());
    return ((a - b).abs().max() / b.abs().max().clamp_min(1e-3)).item<double>();
}

std::vector<at::Tensor> gradients_of(const at::Tensor& y, const std::vector<at::Tensor>& inputs,
                                     const at::Tensor& gradient) {
    return torch::autograd::grad({y}, inputs, {gradient});
}

// Runs a test with vectors of every width that the machine has.
template <class Test>
void on_every_vector_width(const Test& test) {
    const int widest = llmnas::detail::used_lanes;
    for (const int lanes : {4, 8, 16}) {
        if (lanes > widest) break;
        llmnas::detail::used_lanes = lanes;
        INFO(lanes << " lanes");
        test();
    }
    llmnas::detail::used_lanes = widest;
}

struct normed {
    at::Tensor x, weight, bias, mean, variance;

    normed(at::IntArrayRef size, std::uint64_t seed)
        : x(by_channels(normal(size, seed) * 2 + 3).requires_grad_()),
          weight(normal({size[1]}, seed + 1).requires_grad_()),
          bias(normal({size[1]}, seed + 2).requires_grad_()),
          mean(normal({size[1]}, seed + 3)),
          variance(normal({size[1]}, seed + 4).abs()) {}

    [[nodiscard]] at::Tensor fused(activation_kind a) const {
        return norm_activation::apply(x, weight, bias, mean, variance, 0.1, 1e-5, static_cast<std::int64_t>(a));
    }
    [[nodiscard]] at::Tensor torchs(activation_kind a) const {
        const at::Tensor z = at::batch_norm(x, weight, bias, mean, variance, true, 0.1, 1e-5, false);
        switch (a) {
            case activation_kind::relu:
                return at::relu(z);
            case activation_kind::relu6:
                return at::relu6(z);
            case activation_kind::leaky_relu:
                return at::leaky_relu(z, 0.01);
            default:
                return z;
        }
    }
};

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, std::int64_t stride, std::int64_t pad) {
    return at::conv2d(x, weight, {}, {stride, stride}, {pad, pad}, {1, 1}, x.size(1));
}

}  // namespace

TEST_CASE("a batch norm with its activation equals libtorch's operators", "[train][fused]") {
    at::set_num_threads(2);
    const auto a =
        GENERATE(activation_kind::none, activation_kind::relu, activation_kind::relu6, activation_kind::leaky_relu);
    // Channels that fill vectors or not; pixels that fill rows or leave some over; several pieces of work.
    const auto size = GENERATE(std::vector<std::int64_t>{4, 16, 8, 8}, std::vector<std::int64_t>{3, 24, 5, 7},
                               std::vector<std::int64_t>{2, 3, 9, 9}, std::vector<std::int64_t>{5, 33, 1, 1},
                               std::vector<std::int64_t>{2, 1, 3, 3}, std::vector<std::int64_t>{3, 100, 40, 40});
    INFO("activation " << static_cast<int>(a) << ", channels " << size[1]);
    on_every_vector_width([&] {
        const normed ours(size, 7);
        const normed theirs(size, 7);
        const at::Tensor y = ours.fused(a);
        const at::Tensor expected = theirs.torchs(a);
        CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
        CHECK(largest_difference(y, expected) < 2e-5);
        CHECK(largest_difference(ours.mean, theirs.mean) < 1e-5);
        CHECK(largest_difference(ours.variance, theirs.variance) < 1e-4);
        // Away from the kinks, where rounding decides which side of it a value is on.
        const at::Tensor z = theirs.torchs(activation_kind::none).detach();
        const at::Tensor clear = at::logical_and(z.abs() > 1e-3, (z - 6).abs() > 1e-3);
        const at::Tensor gradient = normal(size, 17) * clear;  // laid out otherwise, too
        const auto got = gradients_of(y, {ours.x, ours.weight, ours.bias}, gradient);
        const auto want = gradients_of(expected, {theirs.x, theirs.weight, theirs.bias}, gradient);
        for (std::size_t i = 0; i < 3; ++i) {
            INFO("gradient " << i);
            CHECK(largest_difference(got[i], want[i]) < 1e-4);
        }
    });
}

TEST_CASE("gradients of a batch norm are those of its values", "[train][fused]") {
    at::set_num_threads(1);
    const normed n({3, 5, 4, 3}, 3);
    const at::Tensor gradient = normal({3, 5, 4, 3}, 9);
    const auto got = gradients_of(n.fused(activation_kind::leaky_relu), {n.x, n.weight, n.bias}, gradient);
    // In double precision, by libtorch: the difference of the loss when one value moves.
    const auto loss = [&](const std::vector<at::Tensor>& v) {
        const at::Tensor flat = v[0].transpose(0, 1).reshape({5, -1});
        const at::Tensor centred = flat - flat.mean(1, true);
        const at::Tensor z =
            centred / ((centred * centred).mean(1, true) + 1e-5).sqrt() * v[1].view({5, 1}) + v[2].view({5, 1});
        const at::Tensor y = at::leaky_relu(z, 0.01).reshape({5, 3, 4, 3}).transpose(0, 1);
        return (y * gradient).sum().item<double>();
    };
    const std::vector<at::Tensor> at_point{n.x.detach().to(at::kDouble), n.weight.detach().to(at::kDouble),
                                           n.bias.detach().to(at::kDouble)};
    for (std::size_t which = 0; which < 3; ++which)
        for (std::int64_t i = 0; i < at_point[which].numel(); i += 7) {
            std::vector<at::Tensor> up{at_point[0].contiguous().clone(), at_point[1].clone(), at_point[2].clone()};
            std::vector<at::Tensor> down{up[0].clone(), up[1].clone(), up[2].clone()};
            up[which].view(-1)[i] += 1e-6;
            down[which].view(-1)[i] -= 1e-6;
            const double slope = (loss(up) - loss(down)) / 2e-6;
            CHECK(got[which].contiguous().view(-1)[i].item<double>() == Catch::Approx(slope).margin(2e-4));
        }
}

TEST_CASE("NaN passes through a fused batch norm", "[train][fused]") {
    const auto a = GENERATE(activation_kind::relu, activation_kind::relu6, activation_kind::leaky_relu);
    normed n({2, 16, 2, 2}, 1);
    n.x.detach()[0][3][0][0] = std::nan("");
    const at::Tensor y = n.fused(a);
    CHECK(at::isnan(y.select(1, 3)).all().item<bool>());
    CHECK(!at::isnan(y.select(1, 4)).any().item<bool>());
}

TEST_CASE("gradients of a depthwise convolution equal libtorch's", "[train][fused]") {
    at::set_num_threads(1);
    const auto kernel = GENERATE(5, 7);
    const auto stride = GENERATE(1, 2);
    const auto channels = GENERATE(8, 27, 48);
    // Maps smaller than the filter, of odd and even size, wider than a tile.
    const auto height = GENERATE(1, 5, 12);
    const auto width = GENERATE(1, 4, 19);
    const std::int64_t pad = kernel / 2;
    INFO("kernel " << kernel << ", stride " << stride << ", " << channels << " x " << height << " x " << width);
    on_every_vector_width([&] {
        const at::Tensor x = by_channels(normal({3, channels, height, width}, 1)).requires_grad_();
        const at::Tensor weight = normal({channels, 1, kernel, kernel}, 2).requires_grad_();
        const at::Tensor y = depthwise_convolution::apply(x, weight, std::int64_t{stride}, pad, pad);
        const at::Tensor expected = convolved(x, weight, stride, pad);
        const at::Tensor gradient = normal(y.sizes(), 3);
        CHECK(largest_difference(y, expected) == 0);
        const auto got = gradients_of(y, {x, weight}, gradient);
        const auto want = gradients_of(expected, {x, weight}, gradient);
        CHECK(largest_difference(got[0], want[0]) < 1e-5);
        CHECK(largest_difference(got[1], want[1]) < 1e-5);
    });
}

TEST_CASE("gradients of a depthwise convolution are those of its values", "[train][fused]") {
    const auto stride = GENERATE(1, 2);
    const at::Tensor x = by_channels(normal({2, 8, 6, 7}, 1)).requires_grad_();
    const at::Tensor weight = normal({8, 1, 5, 5}, 2).requires_grad_();
    const at::Tensor y =
        depthwise_convolution::apply(x, weight, std::int64_t{stride}, std::int64_t{2}, std::int64_t{2});
    const at::Tensor gradient = normal(y.sizes(), 3);
    const auto got = gradients_of(y, {x, weight}, gradient);
    const auto loss = [&](const at::Tensor& at, const at::Tensor& by) {
        return (convolved(at, by, stride, 2) * gradient.to(at::kDouble)).sum().item<double>();
    };
    const at::Tensor point = x.detach().to(at::kDouble).contiguous();
    const at::Tensor filters = weight.detach().to(at::kDouble).contiguous();
    for (std::int64_t i = 0; i < point.numel(); i += 11) {
        at::Tensor moved = point.clone();
        moved.view(-1)[i] += 1;  // linear: any step will do
        CHECK(got[0].contiguous().view(-1)[i].item<double>() ==
              Catch::Approx(loss(moved, filters) - loss(point, filters)).margin(1e-4));
    }
    for (std::int64_t i = 0; i < filters.numel(); i += 3) {
        at::Tensor moved = filters.clone();
        moved.view(-1)[i] += 1;
        CHECK(got[1].contiguous().view(-1)[i].item<double>() ==
              Catch::Approx(loss(point, moved) - loss(point, filters)).margin(1e-4));
    }
}

TEST_CASE("a network learns the same with and without fused operators", "[train][fused]") {
    at::set_num_threads(2);
    const dynamic_graph elite(zoo::lmanet_elite);
    const at::Tensor images = by_channels(normal({8, 3, 32, 32}, 1));
    const at::Tensor labels = at::arange(8);
    std::vector<std::vector<double>> losses;
    for (const bool fused : {false, true}) {
        network_module net(elite.view(), 3, {.fused_operators = fused});
        net.use_channels_last();
        net.train();
        sgd optimizer(net.parameters(), {});
        losses.emplace_back();
        for (int step = 0; step < 4; ++step) {
            const at::Tensor loss = at::cross_entropy_loss(net.forward(images), labels);
            optimizer.clear_gradients();
            loss.backward();
            optimizer.step(0.02);
            losses.back().push_back(loss.item<double>());
        }
    }
    CHECK(losses[0][0] == Catch::Approx(losses[1][0]).epsilon(1e-4));
    CHECK(losses[0][3] == Catch::Approx(losses[1][3]).epsilon(0.02));
    CHECK(losses[1][3] < losses[1][0]);
}

TEST_CASE("fused operators give the same bits for any number of threads", "[train][fused]") {
    std::vector<at::Tensor> results;
    for (const int threads : {1, 2, 3}) {
        at::set_num_threads(threads);
        const normed n({4, 24, 40, 40}, 5);
        const at::Tensor weight = normal({24, 1, 5, 5}, 2).requires_grad_();
        const at::Tensor y = n.fused(activation_kind::relu6);
        const at::Tensor gradient = by_channels(normal(y.sizes(), 3));
        const auto norm = gradients_of(y, {n.x, n.weight}, gradient);
        const at::Tensor z =
            depthwise_convolution::apply(n.x, weight, std::int64_t{1}, std::int64_t{2}, std::int64_t{2});
        const auto conv = gradients_of(z, {n.x, weight}, gradient);
        const at::Tensor all = at::cat({y.flatten(), norm[0].flatten(), norm[1], conv[0].flatten(), conv[1].flatten()});
        if (!results.empty()) CHECK(at::equal(results.front(), all.detach()));
        results.push_back(all.detach());
    }
}
