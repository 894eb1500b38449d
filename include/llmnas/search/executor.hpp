// SPDX-License-Identifier: MIT
/// \file
/// Where a trial is trained: the policy Executor, and its simplest form, the program's own process.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
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
    std::int32_t until = 0;  ///< the run ends behind this epoch of the fidelity's; 0: behind the last
};

/// Runs one training and gives its metrics, or why there are none.
template <class E, class Space>
concept Executor = requires(E& e, const trial_request<Space>& request, const epoch_callback& on_epoch) {
    { e.name() } -> std::convertible_to<std::string_view>;
    { e.run(request, on_epoch) } -> std::same_as<result<training_metrics>>;
};

/// Optional: an executor that calls a function several times a second while it runs, in the thread that called run().
/// Leases of trials are short then, and renewed by it.
template <class E>
concept TickingExecutor = requires(E& e, std::function<void()> tick) {
    e.on_tick(std::move(tick));
};

/// Trains in this process: the default of a user's own program. A crash or an out-of-memory ends the whole search.
template <SearchDefinition D>
class in_process {
public:
    using space = typename D::space;

    /// `options` are those of the definition's make_trainer(); the trainer is made at the first trial. Where that
    /// function takes a callback of steps too, `interrupted` is asked behind every step.
    explicit in_process(json_value options = json_value::object(), std::function<bool()> interrupted = {})
        : options_(std::move(options)), interrupted_(std::move(interrupted)) {}

    [[nodiscard]] static std::string_view name() { return "in_process"; }

    [[nodiscard]] result<training_metrics> run(const trial_request<space>& request, const epoch_callback& on_epoch) {
        if (!trainer_) {
            auto made = make_trainer();
            if (!made) return tl::unexpected<error>(made.error());
            trainer_.emplace(std::move(*made));
        }
        const dynamic_graph graph(request.network);
        if (graph.error()) return tl::unexpected<error>(describe(graph.error()));
        // Epochs that the checkpoint has are reported again, so that a run which has reached its end trains no more.
        const epoch_callback up_to = [&](const epoch_report& e) {
            const auto control = on_epoch ? on_epoch(e) : training_control::proceed;
            return e.epoch >= request.until ? training_control::stop : control;
        };
        return trainer_->train(graph.view(), request.fidelity, request.seed, request.checkpoint,
                               request.until > 0 ? up_to : on_epoch);
    }

private:
    [[nodiscard]] auto make_trainer() const {
        const auto on_step = [asked = interrupted_](const auto&) {
            return asked() ? training_control::stop : training_control::proceed;
        };
        if constexpr (requires { D::make_trainer(options_, on_step); })
            if (interrupted_) return D::make_trainer(options_, on_step);
        return D::make_trainer(options_);
    }

    json_value options_;
    std::function<bool()> interrupted_;
    std::optional<trainer_of<D>> trainer_;
};

}  // namespace llmnas
