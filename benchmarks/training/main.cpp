// SPDX-License-Identifier: MIT
// Driven by run.py: training steps of LMaNet-Elite on a batch that is in memory.
//
//   main RESOLUTION BATCH OPERATORS SECONDS   OPERATORS: libtorch, memory (libtorch's, freed memory kept) or fused
//
// Prints images a second and the peak of resident memory in MiB.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/process_memory.hpp>
#include <llmnas/train/sgd.hpp>
#include <llmnas/zoo/lmanet.hpp>

using namespace llmnas;

int main(int argc, char** argv) {
    const std::vector<std::string> a(argv + 1, argv + argc);
    if (a.size() != 4 || (a[2] != "libtorch" && a[2] != "memory" && a[2] != "fused")) {
        fmt::print(stderr, "see run.py\n");
        return 2;
    }
    const std::int64_t pixels = std::stoi(a[0]);
    const std::int64_t batch = std::stoi(a[1]);
    const double seconds = std::stod(a[3]);
    use_threads(0);
    if (a[2] != "libtorch") keep_freed_memory();
    const dynamic_graph elite(zoo::lmanet_elite);
    network_module module(elite.view(), 1, {.fused_operators = a[2] == "fused"});
    module.use_channels_last();
    module.train();
    sgd optimizer(module.parameters(), {});
    const at::Tensor images = at::randn({batch, 3, pixels, pixels}).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor labels = at::randint(100, {batch}, at::kLong);
    const auto step = [&] {
        const at::Tensor loss = at::cross_entropy_loss(module.forward(images), labels);
        optimizer.clear_gradients();
        loss.backward();
        optimizer.step(0.01);
    };
    using clock = std::chrono::steady_clock;
    for (int i = 0; i < 3; ++i) step();
    const auto begun = clock::now();
    const auto passed = [&] { return std::chrono::duration<double>(clock::now() - begun).count(); };
    double steps = 0;
    for (; passed() < seconds; ++steps) step();
    fmt::print("{} {}\n", steps * static_cast<double>(batch) / passed(), peak_resident_bytes() >> 20);
}
