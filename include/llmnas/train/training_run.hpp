// SPDX-License-Identifier: MIT
/// \file
/// One training: its state, and how it advances.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/train/batch_stream.hpp>
#include <llmnas/train/batches.hpp>
#include <llmnas/train/checkpoint.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/evaluate.hpp>
#include <llmnas/train/loss_scale.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/sgd.hpp>
#include <llmnas/train/training_machine.hpp>
#include <llmnas/train/weight_average.hpp>

namespace llmnas {

/// State of one training; mini_trainer makes one for each. Recipe, machine and images must outlive it.
template <LearningRateSchedule Schedule, Augmentation Augment>
class training_run {
public:
    training_run(const training_recipe<Schedule, Augment>& recipe, const training_machine& machine,
                 const image_set& images, const image_set& validation, const graph_view& net, const fidelity& f,
                 std::uint64_t seed, at::Device device, checkpoint_file file)
        : recipe_(recipe),
          machine_(machine),
          validation_(validation),
          fidelity_(f),
          seed_(seed),
          layout_{f.resolution, machine.channels_last, device},
          module_(net, mix_seed(seed, 0), {.dropout = recipe.dropout, .fused_operators = machine.fused_operators}),
          optimizer_(prepare(module_, layout_), {recipe.momentum, recipe.nesterov, recipe.weight_decay}),
          average_(module_, recipe.average_decay),
          scale_(recipe.precision == mixed_precision::fp16),
          file_(std::move(file)),
          stream_(images, layout_, recipe.augmentation, recipe.mixing, machine.loading),
          images_(stratified_indices(images.labels, images.classes, static_cast<std::size_t>(f.images),
                                     recipe.subset_seed)),
          batch_size_(static_cast<std::size_t>(f.batch)),
          steps_(images_.size() / batch_size_) {}

    /// Trains to the end of the fidelity's epochs, or where a callback stops it. Errors as mini_trainer::train().
    result<training_metrics> go(const epoch_callback& on_epoch) {
        if (file_.present()) {
            auto loaded = file_.load(module_, optimizer_, average_);
            if (!loaded) return tl::unexpected(std::move(loaded.error()));
            progress_ = std::move(*loaded);
            scale_.restore(progress_.loss_scale, progress_.finite_steps);
            const std::vector<epoch_report> done = progress_.reports;
            for (const epoch_report& r : done)
                if (on_epoch && on_epoch(r) == training_control::stop) return metrics();
        }
        earlier_seconds_ = progress_.run_seconds;
        started_ = clock::now();
        while (epoch() < fidelity_.epochs) {
            if (auto trained = train_epoch(); !trained) return tl::unexpected(std::move(trained.error()));
            if (auto validated = validate(); !validated) return tl::unexpected(std::move(validated.error()));
            if (auto saved = save(); !saved) return tl::unexpected(std::move(saved.error()));
            if (on_epoch && on_epoch(progress_.reports.back()) == training_control::stop) break;
        }
        return metrics();
    }

private:
    using clock = std::chrono::steady_clock;

    /// The layout changes tensors, so it comes before the optimiser sees them.
    static std::vector<at::Tensor> prepare(network_module& module, const batch_layout& layout) {
        module.to(layout.device);
        if (layout.channels_last) module.use_channels_last();
        return module.parameters();
    }

    [[nodiscard]] static double since(clock::time_point t) {
        return std::chrono::duration<double>(clock::now() - t).count();
    }

    /// The one that trains, from 0.
    [[nodiscard]] std::int32_t epoch() const noexcept { return static_cast<std::int32_t>(progress_.reports.size()); }

    [[nodiscard]] double mean_loss() const {
        return progress_.loss / static_cast<double>(std::max<std::size_t>(1, progress_.steps));
    }
    [[nodiscard]] double images_per_second() const {
        return static_cast<double>(progress_.steps * batch_size_) / std::max(1e-9, progress_.seconds);
    }

    [[nodiscard]] result<void> save() {
        progress_.run_seconds = earlier_seconds_ + since(started_);
        progress_.loss_scale = scale_.factor();
        progress_.finite_steps = scale_.finite_steps();
        return file_.enabled() ? file_.save(module_, optimizer_, average_, progress_) : result<void>{};
    }

    /// Whether the step callback goes on.
    [[nodiscard]] bool goes_on(std::size_t validated) const {
        if (!machine_.on_step) return true;
        const step_report r{.epoch = epoch() + 1,
                            .epochs = fidelity_.epochs,
                            .step = progress_.steps,
                            .steps = steps_,
                            .validated = validated,
                            .to_validate = validation_.size(),
                            .loss = mean_loss(),
                            .images_per_second = images_per_second()};
        return machine_.on_step(r) == training_control::proceed;
    }

    [[nodiscard]] result<void> interrupt() {
        if (auto saved = save(); !saved) return saved;
        return fail(errc::interrupted, "training interrupted",
                    fmt::format("epoch {} of {}, behind step {} of {}", epoch() + 1, fidelity_.epochs, progress_.steps,
                                steps_));
    }

    [[nodiscard]] tl::unexpected<error> diverged(const std::string& step) const {
        return fail(errc::training, "loss is not finite", fmt::format("epoch {}, {}", epoch() + 1, step),
                    "NaN or infinity", "a finite loss: lower the learning rate or clip gradients");
    }

    /// Its logits are floats, whatever the passes compute in.
    [[nodiscard]] at::Tensor loss_of(const batch& b) {
        if (recipe_.precision == mixed_precision::none)
            return b.loss(module_.forward(b.images), recipe_.label_smoothing);
        const autocast_scope scope(layout_.device,
                                   recipe_.precision == mixed_precision::bf16 ? at::kBFloat16 : at::kHalf);
        return b.loss(module_.forward(b.images).to(at::kFloat), recipe_.label_smoothing);
    }

    /// Gradients of the loss, and an update by them; none where the loss was scaled out of fp16's range.
    void update(const at::Tensor& loss, double rate) {
        optimizer_.clear_gradients();
        if (scale_.dynamic()) {
            (loss * scale_.factor()).backward();
            const bool finite = optimizer_.scale_gradients(1 / scale_.factor());
            scale_.update(finite);
            if (!finite) return;
        } else {
            loss.backward();
        }
        if (recipe_.clip_norm > 0) optimizer_.clip(recipe_.clip_norm);
        optimizer_.step(rate);
    }

    /// What is left of the epoch's steps.
    result<void> train_epoch() {
        const std::uint64_t epoch_seed = mix_seed(mix_seed(seed_, 1), static_cast<std::uint64_t>(epoch()));
        std::vector<std::size_t> order = images_;
        splitmix64 rng{mix_seed(epoch_seed, 0)};
        for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
        order.resize(steps_ * batch_size_);
        module_.train();
        if (progress_.steps == 0) module_.seed_dropout(mix_seed(epoch_seed, 1));
        const auto begun = clock::now();
        const double seconds_before = progress_.seconds;
        const double waited_before = progress_.waited - stream_.seconds_waited();
        stream_.begin(std::move(order), batch_size_, mix_seed(epoch_seed, 2), progress_.steps);
        while (progress_.steps < steps_) {
            const auto made = stream_.next();
            if (!made) return tl::unexpected(made.error());
            const at::Tensor loss = loss_of(*made);
            const double value = loss.template item<double>();
            const double moment = epoch() + static_cast<double>(progress_.steps) / static_cast<double>(steps_);
            if (std::isfinite(value)) update(loss, recipe_.schedule.rate(moment, fidelity_.epochs));
            if (!std::isfinite(value) || scale_.exhausted())
                return diverged(fmt::format("step {} of {}", progress_.steps + 1, steps_));
            average_.update(static_cast<std::size_t>(epoch()) * steps_ + progress_.steps);
            ++progress_.steps;
            progress_.loss += value;
            progress_.seconds = seconds_before + since(begun);
            progress_.waited = waited_before + stream_.seconds_waited();
            if (!goes_on(0)) return interrupt();
        }
        optimizer_.clear_gradients();
        return {};
    }

    /// Ends the epoch with its report.
    result<void> validate() {
        average_.swap();
        const evaluation e =
            evaluate(module_, validation_, layout_, std::max<std::size_t>(64, batch_size_),
                     machine_.on_step ? evaluation_callback([this](std::size_t done) { return goes_on(done); })
                                      : evaluation_callback{});
        average_.swap();
        if (e.images < validation_.size()) return interrupt();
        if (!std::isfinite(e.loss)) return diverged("validation");
        progress_.reports.push_back({.epoch = epoch() + 1,
                                     .epochs = fidelity_.epochs,
                                     .learning_rate = recipe_.schedule.rate(epoch() + 0.5, fidelity_.epochs),  // amid
                                     .train_loss = mean_loss(),
                                     .validation_loss = e.loss,
                                     .accuracy = e.top1,
                                     .seconds = earlier_seconds_ + since(started_),
                                     .seconds_waited = progress_.waited,
                                     .top5 = e.top5,
                                     .images_per_second = images_per_second()});
        progress_.steps = 0;
        progress_.loss = progress_.seconds = progress_.waited = 0;
        return {};
    }

    [[nodiscard]] training_metrics metrics() const {
        const epoch_report& last = progress_.reports.back();
        return {last.accuracy, last.top5, last.validation_loss, last.epoch, last.seconds, last.images_per_second};
    }

    const training_recipe<Schedule, Augment>& recipe_;
    const training_machine& machine_;
    const image_set& validation_;
    fidelity fidelity_;
    std::uint64_t seed_;
    batch_layout layout_;
    network_module module_;
    sgd optimizer_;
    weight_average average_;
    loss_scale scale_;
    checkpoint_file file_;
    batch_stream<Augment> stream_;
    std::vector<std::size_t> images_;
    std::size_t batch_size_;
    std::size_t steps_;  ///< an epoch
    training_progress progress_;
    clock::time_point started_{};
    double earlier_seconds_ = 0;
};

}  // namespace llmnas
