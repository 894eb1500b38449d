// SPDX-License-Identifier: MIT
// Driven by run.py: scores of untrained networks at 64 px, and the seconds that they take; a line of JSON for each
// file.
//
//   main DATA FILE.json...   DATA: a directory with CIFAR-100
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/json/network_file.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/train/any_dataset.hpp>
#include <llmnas/train/zero_cost_scores.hpp>

using namespace llmnas;

namespace {

// Mean over three sets of initial weights.
template <ZeroCostScore Score>
std::string scored(const Score& score, const graph_view& net) {
    using clock = std::chrono::steady_clock;
    constexpr int seeds = 3;
    const auto begun = clock::now();
    double sum = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) sum += score(net, seed).value();
    return fmt::format("\"{}\": {}, \"{}_seconds\": {}", score.name(), sum / seeds, score.name(),
                       std::chrono::duration<double>(clock::now() - begun).count() / seeds);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> a(argv + 1, argv + argc);
    if (a.size() < 2) {
        fmt::print(stderr, "see run.py\n");
        return 2;
    }
    use_threads(1);
    const auto set = dataset_at(a[0], "cifar100");
    const auto data = set ? load(*set, holdout{}) : result<training_data>(tl::unexpected<error>(set.error()));
    if (!data) {
        fmt::print(stderr, "{}\n", data.error().text());
        return 1;
    }
    const auto shared = std::make_shared<const training_data>(*data);
    for (std::size_t i = 1; i < a.size(); ++i) {
        const auto net = network_from_file<table1_se>(a[i], {3, 160, 160}, 100);
        if (!net) {
            fmt::print(stderr, "{}\n", net.error().text());
            return 1;
        }
        const dynamic_graph graph(*net);
        fmt::print("{{{}, {}}}\n", scored(synaptic_flow{}, graph.view()),
                   scored(activation_overlap{shared}, graph.view()));
    }
}
