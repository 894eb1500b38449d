// SPDX-License-Identifier: MIT
// Driven by run.py: images/s of the input pipeline, and the share of time for which a training waits for it.
//
//   main images FILE COUNT                         writes images of 3 x 32 x 32, planar
//   main rate TASK RESOLUTION WORKERS SECONDS      images a second, and a second of CPU time, of a batch_stream that
//   nobody
//                                                  but this loop waits for
//   main wait TASK RESOLUTION IMAGES BATCH         trains LMaNet-Elite for an epoch: seconds, seconds waited, images/s
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/generated_images.hpp>
#include <llmnas/train/trainer.hpp>
#include <llmnas/zoo/lmanet.hpp>

namespace {

using namespace llmnas;

// What a task prepares: "evaluation" resizes and normalises, the others are the recipes of these names.
any_recipe recipe_of(std::string_view task) {
    return task == "evaluation" ? any_recipe(published_code_recipe()) : recipe_named(task).value();
}

struct rates {
    double wall = 0;
    double cpu = 0;
};

rates rate(std::string_view task, std::int32_t resolution, std::int32_t workers, double seconds) {
    using clock = std::chrono::steady_clock;
    const image_set set = generate_images({.train_per_class = 40, .validation_per_class = 1}).train;
    const any_recipe recipe = recipe_of(task);
    batch_stream<any_augmentation> stream(set, {.resolution = resolution}, recipe.augmentation, recipe.mixing,
                                          {.workers = workers});
    std::vector<std::size_t> order(set.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    double images = 0;
    const auto epoch = [&](std::uint64_t seed) {
        stream.begin(order, 128, seed);
        while (stream.left() > 0) images += static_cast<double>(stream.next().value().images.size(0));
    };
    epoch(0);  // memory and caches
    images = 0;
    const auto begun = clock::now();
    const std::clock_t used = std::clock();
    const auto passed = [&] { return std::chrono::duration<double>(clock::now() - begun).count(); };
    for (std::uint64_t seed = 1; passed() < seconds; ++seed) epoch(seed);
    return {images / passed(), images * CLOCKS_PER_SEC / static_cast<double>(std::clock() - used)};
}

int wait(std::string_view task, std::int32_t resolution, std::int32_t images, std::int32_t batch) {
    const mini_trainer trainer(std::make_shared<const training_data>(
                                   generate_images({.train_per_class = images / 100, .validation_per_class = 1})),
                               recipe_of(task));
    const dynamic_graph net(zoo::lmanet_elite);
    double waited = 0;
    const auto m = trainer.train(net.view(), {.resolution = resolution, .epochs = 1, .batch = batch}, 1, {},
                                 [&](const epoch_report& r) {
                                     waited = r.seconds_waited;
                                     return training_control::proceed;
                                 });
    if (!m) {
        fmt::print(stderr, "{}\n", m.error().text());
        return 1;
    }
    const std::int32_t trained = images / batch * batch;
    fmt::print("{} {} {}\n", trained / m->images_per_second, waited, m->images_per_second);
    return 0;
}

int write_images(const char* path, std::size_t count) {
    const image_set set = generate_images({.train_per_class = 40, .validation_per_class = 1}).train;
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(set.pixels.data()),
              static_cast<std::streamsize>(std::min(count, set.size()) * set.image_bytes()));
    return out ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> a(argv + 1, argv + argc);
    if (a.size() == 3 && a[0] == "images") return write_images(argv[2], std::stoul(a[2]));
    if (a.size() == 5 && a[0] == "rate") {
        const rates r = rate(a[1], std::stoi(a[2]), std::stoi(a[3]), std::stod(a[4]));
        fmt::print("{} {}\n", r.wall, r.cpu);
        return 0;
    }
    if (a.size() == 5 && a[0] == "wait") return wait(a[1], std::stoi(a[2]), std::stoi(a[3]), std::stoi(a[4]));
    fmt::print(stderr, "see run.py\n");
    return 2;
}
