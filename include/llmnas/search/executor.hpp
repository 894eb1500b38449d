// SPDX-License-Identifier: MIT
/// \file
/// Where a trial is trained: the policy Executor, and its simplest form, the program's own process.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <llmnas/json/json_value.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/search/gate.hpp>
#include <llmnas/search/trainer.hpp>

namespace llmnas {

/// One training run: everything that it depends on.
template <SearchSpace Space>
struct trial_request {
    network_of<Space> network;
    llmnas::fidelity fidelity;
    std::uint64_t seed = 0;
    std::filesystem::path checkpoint;
};

/// Runs one training and gives its metrics, or why there are none.
template <class E, class Space>
concept Executor = requires(E& e, const trial_request<Space>& request, const epoch_callback& on_epoch) {
    { e.name() } -> std::convertible_to<std::string_view>;
    { e.run(request, on_epoch) } -> std::same_as<result<training_metrics>>;
};

/// Trains in this process: the default of a user's own program. A crash or an out-of-memory ends the whole search.
template <SearchDefinition D>
class in_process {
public:
    using space = typename D::space;

    /// `options` are those of the definition's make_trainer(); the trainer is made at the first trial.
    explicit in_process(json_value options = json_value::object()) : options_(std::move(options)) {}

    [[nodiscard]] static std::string_view name() { return "in_process"; }

    [[nodiscard]] result<training_metrics> run(const trial_request<space>& request, const epoch_callback& on_epoch) {
        if (!trainer_) {
            auto made = D::make_trainer(options_);
            if (!made) return tl::unexpected<error>(made.error());
            trainer_.emplace(std::move(*made));
        }
        const dynamic_graph graph(request.network);
        if (graph.error()) return tl::unexpected<error>(describe(graph.error()));
        return trainer_->train(graph.view(), request.fidelity, request.seed, request.checkpoint, on_epoch);
    }

private:
    json_value options_;
    std::optional<trainer_of<D>> trainer_;
};

}  // namespace llmnas
