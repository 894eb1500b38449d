// SPDX-License-Identifier: MIT
// The mini phase: what it learns, that it repeats, resumes and refuses.
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <unistd.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/generated_images.hpp>
#include <llmnas/train/trainer.hpp>
#include <llmnas/zoo/lmanet.hpp>

#include "support/catch.hpp"
#include "support/short_training.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// A schedule of a user's own, which no network survives.
struct absurd_rate {
    static double rate(double, std::int32_t) { return 1e30; }
    static std::string describe() { return "1e30"; }
};

}  // namespace

TEST_CASE("a short training learns and repeats bit for bit", "[train]") {
    const dynamic_graph net(tiny);
    const mini_trainer trainer(quarters(), short_recipe(), one_thread);
    std::vector<epoch_report> reports;
    const auto first = trainer.train(net.view(), few, 7, {}, [&](const epoch_report& r) {
        reports.push_back(r);
        return training_control::proceed;
    });
    REQUIRE(first);
    CHECK(first->accuracy > 0.4);
    CHECK(first->top5 == 1);  // four classes
    CHECK(first->epochs == 3);
    CHECK(first->images_per_second > 0);
    REQUIRE(reports.size() == 3);
    CHECK(reports[2].accuracy == first->accuracy);
    CHECK(reports[0].epoch == 1);
    CHECK(reports[0].epochs == 3);
    const auto again = trainer.train(net.view(), few, 7);
    REQUIRE(again);
    CHECK(again->loss == first->loss);
    CHECK(trainer.train(net.view(), few, 8)->loss != first->loss);
}

TEST_CASE("the full recipe trains, whoever makes its batches", "[train]") {
    const dynamic_graph net(tiny);
    auto recipe = full_recipe();
    recipe.schedule.peak = 0.2;
    auto machine = one_thread;
    const auto train = [&](stream_options loading) {
        machine.loading = loading;
        double waited = -1;
        const auto m = mini_trainer(quarters(), recipe, machine).train(net.view(), few, 7, {}, [&](const auto& r) {
            waited = r.seconds_waited;
            CHECK(r.seconds_waited <= r.seconds);
            return training_control::proceed;
        });
        REQUIRE(m);
        CHECK(waited >= 0);
        return m->loss;
    };
    const double loss = train({.workers = 1, .ahead = 1});
    CHECK(train({.workers = 3, .ahead = 5}) == loss);
    recipe.mixing.alpha = 0;
    CHECK(train({}) != loss);
}

TEST_CASE("what does not fit together is refused before it runs", "[train]") {
    const dynamic_graph net(tiny);
    const mini_trainer trainer(quarters(), short_recipe(), one_thread);
    const auto refusal = [](const result<training_metrics>& r) {
        REQUIRE(!r);
        CHECK(r.error().code == errc::bad_input);
        return r.error().text();
    };
    CHECK_THAT(refusal(trainer.train(net.view(), {0, 0, 1, 32}, 1)), ContainsSubstring("resolution"));
    CHECK_THAT(refusal(trainer.train(net.view(), {8, 1000, 1, 32}, 1)),
               ContainsSubstring("images") && ContainsSubstring("320"));
    CHECK_THAT(refusal(trainer.train(net.view(), {8, 0, 0, 32}, 1)), ContainsSubstring("epochs"));
    CHECK_THAT(refusal(trainer.train(net.view(), {8, 16, 1, 32}, 1)), ContainsSubstring("batch"));
    CHECK_THAT(refusal(trainer.train(dynamic_graph(zoo::lmanet_elite).view(), few, 1)), ContainsSubstring("classes"));
    auto grey = tiny;
    grey.input.channels = 1;
    CHECK_THAT(refusal(trainer.train(dynamic_graph(grey).view(), few, 1)), ContainsSubstring("channels"));
    const mini_trainer nowhere(quarters(), short_recipe(), {.device = "abacus"});
    CHECK_THAT(refusal(nowhere.train(net.view(), few, 1)), ContainsSubstring("abacus"));
}

TEST_CASE("a loss that is not finite is a failure with its place", "[train]") {
    const dynamic_graph net(tiny);
    training_recipe<absurd_rate> recipe;
    recipe.schedule = {};
    const auto r = mini_trainer(quarters(), recipe, one_thread).train(net.view(), few, 1);
    REQUIRE(!r);
    CHECK(r.error().code == errc::training);
    CHECK_THAT(r.error().text(), ContainsSubstring("epoch 1, step"));
}

TEST_CASE("clipping bounds the norm of the gradient", "[train]") {
    at::Tensor p = at::zeros({2}).set_requires_grad(true);
    sgd optimizer({p}, {.momentum = 0, .nesterov = false, .weight_decay = 0});
    (p * at::tensor({3.0F, 4.0F})).sum().backward();
    optimizer.clip(1);
    CHECK(at::allclose(p.grad(), at::tensor({0.6F, 0.8F})));
    optimizer.step(1);
    CHECK(at::allclose(p.detach(), at::tensor({-0.6F, -0.8F})));
}

TEST_CASE("mixed precision learns as plain training does", "[train]") {
    const dynamic_graph net(tiny);
    auto recipe = short_recipe();
    recipe.precision = mixed_precision::bf16;
    const auto mixed = mini_trainer(quarters(), recipe, one_thread).train(net.view(), few, 7);
    INFO((mixed ? std::string() : mixed.error().text()));
    REQUIRE(mixed);
    CHECK(mixed->accuracy > 0.4);
    CHECK(mixed->loss != mini_trainer(quarters(), short_recipe(), one_thread).train(net.view(), few, 7)->loss);
    recipe.precision = mixed_precision::fp16;
    const auto refused = mini_trainer(quarters(), recipe, one_thread).train(net.view(), few, 7);
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::unavailable);
    CHECK_THAT(refused.error().text(), ContainsSubstring("fp16") && ContainsSubstring("CUDA"));
    REQUIRE(!mixed_precision_named("fp8"));
    CHECK_THAT(mixed_precision_named("fp8").error().text(), ContainsSubstring("fp8") && ContainsSubstring("bf16"));
}

TEST_CASE("the scale of the loss falls at gradients that are not finite and grows without them", "[train]") {
    loss_scale scale(true);
    const double first = scale.factor();
    scale.update(false);
    CHECK(scale.factor() == first / 2);
    for (int i = 0; i < 1999; ++i) scale.update(true);
    CHECK(scale.factor() == first / 2);
    loss_scale restored(true);
    restored.restore(scale.factor(), scale.finite_steps());
    restored.update(true);
    CHECK(restored.factor() == first);
    for (int i = 0; i < 40; ++i) restored.update(false);
    CHECK(restored.exhausted());
    loss_scale fixed(false);
    fixed.update(false);
    CHECK(fixed.factor() == 1);
    CHECK(!fixed.exhausted());

    at::Tensor p = at::zeros({2}).set_requires_grad(true);
    sgd optimizer({p});
    (p * at::tensor({8.0F, 16.0F})).sum().backward();
    CHECK(optimizer.scale_gradients(0.125));
    CHECK(at::equal(p.grad(), at::tensor({1.0F, 2.0F})));
    p.mutable_grad()[1] = std::numeric_limits<float>::infinity();
    CHECK(!optimizer.scale_gradients(0.125));
}

TEST_CASE("memory does not grow over a thousand steps", "[train]") {
    std::ifstream probe("/proc/self/statm");
    if (!probe) LLMNAS_SKIP("needs /proc/self/statm");
    const auto resident_pages = [] {
        std::ifstream file("/proc/self/statm");
        long size = 0;
        long resident = 0;
        file >> size >> resident;
        return resident;
    };
    const dynamic_graph net(tiny);
    long steps = 0;
    long early = 0;
    auto machine = one_thread;
    machine.on_step = [&](const step_report&) {
        if (++steps == 200) early = resident_pages();
        return training_control::proceed;
    };
    fidelity f = few;
    const auto images = static_cast<std::int32_t>(quarters()->train.size());
    f.batch = 4;
    f.epochs = 1 + 1000 / (images / f.batch);
    REQUIRE(mini_trainer(quarters(), short_recipe(), machine).train(net.view(), f, 1));
    REQUIRE(steps >= 1000);
    REQUIRE(early > 0);
    CHECK(resident_pages() - early < (4 << 20) / sysconf(_SC_PAGESIZE));
}

TEST_CASE("a linear classifier finds nothing in the generated images", "[train]") {
    use_threads(1);
    const training_data d = generate_images({.train_per_class = 100, .validation_per_class = 10});
    const auto whole = [](const image_set& set) {
        std::vector<std::size_t> all(set.size());
        std::iota(all.begin(), all.end(), std::size_t{0});
        return make_batch(set, all, {.resolution = 32, .channels_last = false});
    };
    const batch train = whole(d.train);
    const batch held = whole(d.validation);
    const at::Tensor x = train.images.flatten(1);
    at::Tensor weight = at::zeros({100, x.size(1)}).set_requires_grad(true);
    at::Tensor bias = at::zeros({100}).set_requires_grad(true);
    sgd optimizer({weight, bias}, {.weight_decay = 1e-2});
    const int epochs = 6;
    for (int e = 0; e < epochs; ++e)
        for (std::int64_t i = 0; i < x.size(0); i += 200) {
            const at::Tensor loss = at::cross_entropy_loss(at::linear(x.slice(0, i, i + 200), weight, bias),
                                                           train.labels.slice(0, i, i + 200));
            optimizer.clear_gradients();
            loss.backward();
            optimizer.step(0.003 * (epochs - e) / epochs);
        }
    const at::Tensor hits = at::linear(held.images.flatten(1), weight, bias).argmax(1).eq(held.labels);
    CHECK(hits.to(at::kFloat).mean().item<double>() < 0.10);
}

TEST_CASE("LMaNet-Core passes 30 % on the generated images within a minute", "[.long][train]") {
    const dynamic_graph net(zoo::lmanet_core);
    const mini_trainer trainer(std::make_shared<const training_data>(generate_images()), quick_recipe());
    const auto m = trainer.train(net.view(), {.resolution = 32, .images = 10'000, .epochs = 3, .batch = 64}, 1);
    REQUIRE(m);
    std::printf("LMaNet-Core on generated images: %.1f %% after %.0f s, %.0f images/s\n", 100 * m->accuracy, m->seconds,
                m->images_per_second);
    CHECK(m->accuracy > 0.30);
}
