// SPDX-License-Identifier: MIT
/// \file
/// A search without torch for the tests of everything around the training: its trainer computes an accuracy from the
/// network and the seed, and fails, dies or stalls where a test asks for it. Checkpoints are real files.
#pragma once

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <llmnas/core/graph_hash.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/search/trainer.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::test {

struct scripted_trainer {
    json_value options;

    result<training_metrics> train(const graph_view& net, const fidelity& f, std::uint64_t seed,
                                   const std::filesystem::path& checkpoint, const epoch_callback& on_epoch) {
        const double accuracy = static_cast<double>(splitmix64{graph_hash(net) ^ seed}() % 1000) / 1000;
        const std::string script = options.value("script", "");
        std::int32_t done = 0;
        if (!checkpoint.empty()) std::ifstream(checkpoint) >> done;
        training_metrics m{.accuracy = accuracy, .epochs = done};
        for (std::int32_t e = done + 1; e <= f.epochs; ++e) {
            std::this_thread::sleep_for(std::chrono::milliseconds(options.value("milliseconds", 0)));
            if (script == "nan") return training_metrics{.accuracy = 0.5, .loss = std::nan(""), .epochs = e};
            if (script == "background" && std::system("sleep 30 &") != 0) return fail(errc::training, "no shell");
            if (script == "terminate") std::raise(SIGTERM);
            if (script == "fail") return fail(errc::training, "loss is not a number", "epoch 1");
            if (script == "abort") std::abort();
            if (script == "exit") std::_Exit(7);
            if (script == "noise") std::puts("a library prints to stdout");
            if (!checkpoint.empty()) std::ofstream(checkpoint) << e;
            m.epochs = e;
            if (on_epoch && on_epoch({.epoch = e, .epochs = f.epochs, .accuracy = accuracy}) == training_control::stop)
                break;
        }
        return m;
    }
};

struct scripted_search {
    using space = table1_se;
    using memory_model = layerwise;
    using objectives = paper_objectives;
    static result<scripted_trainer> make_trainer(const json_value& options) {
        if (options.value("script", "") == "no data") return fail(errc::bad_input, "no such data", "trainer");
        return scripted_trainer{options};
    }
};
static_assert(SearchDefinition<scripted_search>);

}  // namespace llmnas::test
