// SPDX-License-Identifier: MIT
// What a training keeps: runs that are stopped anywhere go on bit for bit, averages, what is refused.
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/short_training.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a resumed training equals the uninterrupted one", "[train]") {
    const test::temporary_directory dir;
    const dynamic_graph net(tiny);
    const mini_trainer trainer(quarters(), short_recipe(), one_thread);
    const auto whole = trainer.train(net.view(), few, 7, dir / "whole");
    REQUIRE(whole);

    const auto stopped =
        trainer.train(net.view(), few, 7, dir / "parts", [](const epoch_report&) { return training_control::stop; });
    REQUIRE(stopped);
    CHECK(stopped->epochs == 1);
    std::vector<std::int32_t> epochs;
    const auto resumed = trainer.train(net.view(), few, 7, dir / "parts", [&](const epoch_report& r) {
        epochs.push_back(r.epoch);
        return training_control::proceed;
    });
    REQUIRE(resumed);
    CHECK(epochs == std::vector<std::int32_t>{1, 2, 3});
    CHECK(resumed->loss == whole->loss);
    CHECK(resumed->accuracy == whole->accuracy);
    CHECK(resumed->top5 == whole->top5);

    const auto a = read_safetensors(dir / "whole");
    const auto b = read_safetensors(dir / "parts");
    REQUIRE(a);
    REQUIRE(b);
    REQUIRE(a->tensors.entries.size() == b->tensors.entries.size());
    for (const auto& t : a->tensors.entries) {
        INFO(t.name);
        CHECK(at::equal(t.value, *b->tensors.find(t.name)));
    }

    // A finished run is not trained again.
    const auto finished = trainer.train(net.view(), few, 7, dir / "whole");
    REQUIRE(finished);
    CHECK(*finished == *whole);
}

TEST_CASE("a training stopped inside epochs and validations goes on from the very step, bit for bit", "[train]") {
    const test::temporary_directory dir;
    const dynamic_graph net(tiny);
    auto recipe = short_recipe();
    recipe.mixing.alpha = 0.2;
    recipe.average_decay = 0.9;
    const auto data = quarters();
    const auto whole = mini_trainer(data, recipe, one_thread).train(net.view(), few, 7, dir / "whole");
    REQUIRE(whole);

    // 10 steps and 2 batches of validation an epoch: the calls behind which a part ends.
    auto machine = one_thread;
    int calls = 0;
    int last = 0;
    std::vector<step_report> steps;
    machine.on_step = [&](const step_report& r) {
        steps.push_back(r);
        return ++calls == last ? training_control::stop : training_control::proceed;
    };
    const mini_trainer trainer(data, recipe, machine);
    for (const auto& [after, where] :
         std::vector<std::pair<int, const char*>>{{3, "epoch 1 of 3, behind step 3 of 10"},
                                                  {7, "epoch 1 of 3, behind step 10 of 10"},
                                                  {1, "epoch 1 of 3, behind step 10 of 10"},
                                                  {11, "epoch 2 of 3, behind step 9 of 10"}}) {
        calls = 0;
        last = after;
        const auto part = trainer.train(net.view(), few, 7, dir / "parts");
        REQUIRE(!part);
        CHECK(part.error().code == errc::interrupted);
        CHECK(part.error().where == where);
    }
    CHECK(steps[3].step == 4);  // the fourth: three were done before
    CHECK(steps[10].validated == 64);
    calls = last = 0;
    std::vector<std::int32_t> epochs;
    const auto resumed = trainer.train(net.view(), few, 7, dir / "parts", [&](const epoch_report& r) {
        epochs.push_back(r.epoch);
        return training_control::proceed;
    });
    REQUIRE(resumed);
    CHECK(epochs == std::vector<std::int32_t>{1, 2, 3});
    CHECK(resumed->loss == whole->loss);
    const auto a = read_safetensors(dir / "whole");
    const auto b = read_safetensors(dir / "parts");
    REQUIRE((a && b));
    for (const auto& t : a->tensors.entries) {
        INFO(t.name);
        CHECK(at::equal(t.value, *b->tensors.find(t.name)));
    }

    // Without a file nothing is kept, but the run stops all the same.
    calls = 0;
    last = 2;
    CHECK(trainer.train(net.view(), few, 7).error().code == errc::interrupted);
}

TEST_CASE("averaged weights are what is validated and what is kept", "[train]") {
    const test::temporary_directory dir;
    const dynamic_graph net(tiny);
    const auto data = quarters();
    auto recipe = short_recipe();
    const auto last = mini_trainer(data, recipe, one_thread).train(net.view(), few, 7, dir / "last");
    recipe.average_decay = 0.8;
    const auto averaged = mini_trainer(data, recipe, one_thread).train(net.view(), few, 7, dir / "averaged");
    REQUIRE((last && averaged));
    CHECK(averaged->loss != last->loss);

    // The average does not touch the training itself.
    const auto a = read_safetensors(dir / "last");
    const auto b = read_safetensors(dir / "averaged");
    REQUIRE((a && b));
    const char* const name = "classifier.weight";
    CHECK(at::equal(*a->tensors.find(name), *b->tensors.find(name)));
    CHECK(!at::equal(*b->tensors.find(name), *b->tensors.find("average.classifier.weight")));
    const auto check = [&](const char* file, const training_metrics& m) {
        const auto weights = weights_in_checkpoint(dir / file);
        REQUIRE(weights);
        network_module module(net.view());
        REQUIRE(load_into(module, *weights));
        module.use_channels_last();
        const evaluation e = evaluate(module, data->validation, {.resolution = 8}, 64);
        CHECK(e.loss == m.loss);
        CHECK(e.top1 == m.accuracy);
    };
    check("last", *last);
    check("averaged", *averaged);

    weight_average mean(network_module(net.view()), 0);
    mean.update(0);
    CHECK(mean.tensors().empty());
}

TEST_CASE("checkpoints of another run and damaged ones are refused", "[train]") {
    const test::temporary_directory dir;
    const auto path = dir / "checkpoint";
    const dynamic_graph net(tiny);
    const auto data = quarters();
    const mini_trainer trainer(data, short_recipe(), one_thread);
    const fidelity one{.resolution = 8, .epochs = 1, .batch = 64};
    REQUIRE(trainer.train(net.view(), one, 7, path));
    const auto refusal = [](const result<training_metrics>& r) {
        REQUIRE(!r);
        CHECK(r.error().code == errc::bad_input);
        return r.error().text();
    };
    CHECK_THAT(refusal(trainer.train(net.view(), one, 8, path)),
               ContainsSubstring("seed differs") && ContainsSubstring("got 7, wanted 8"));
    CHECK_THAT(refusal(trainer.train(net.view(), {8, 0, 2, 64}, 7, path)), ContainsSubstring("fidelity differs"));
    auto other = tiny;
    other.stages[0].kernel_size = 5;
    CHECK_THAT(refusal(trainer.train(dynamic_graph(other).view(), one, 7, path)), ContainsSubstring("network differs"));
    auto recipe = short_recipe();
    recipe.weight_decay = 0;
    CHECK_THAT(refusal(mini_trainer(data, recipe, one_thread).train(net.view(), one, 7, path)),
               ContainsSubstring("optimizer differs"));

    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
    CHECK_THAT(refusal(trainer.train(net.view(), one, 7, path)), ContainsSubstring("truncated"));
    REQUIRE(write_safetensors(path, {}, {}));
    CHECK_THAT(refusal(trainer.train(net.view(), one, 7, path)), ContainsSubstring("no checkpoint"));

    const auto unwritable = trainer.train(net.view(), one, 7, dir / "nowhere" / "checkpoint");
    REQUIRE(!unwritable);
    CHECK(unwritable.error().code == errc::io);
}
