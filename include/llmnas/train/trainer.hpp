// SPDX-License-Identifier: MIT
/// \file
/// The mini phase: a short training of one candidate, whose validation accuracy the search goes by.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/graph_hash.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/train/batch_stream.hpp>
#include <llmnas/train/batches.hpp>
#include <llmnas/train/checkpoint.hpp>
#include <llmnas/train/evaluate.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/resolution.hpp>
#include <llmnas/train/sgd.hpp>

namespace llmnas {

/// Where and how a training runs; without influence on what is learnt, up to rounding.
struct training_machine {
    std::string device = "auto";  ///< auto, cpu or cuda
    std::int32_t threads = 0;     ///< of torch's operators; 0: all cores
    bool channels_last = true;    ///< layout of maps and weights
    stream_options loading{};     ///< of the threads that make batches
};

/// Trains networks on one data set by one recipe. Several trainings share a trainer and its data; each has its own
/// state.
///
/// On a CPU, equal (network, fidelity, seed, thread count) give equal bits, also when the run was interrupted and
/// resumed from its checkpoint: every random stream derives from (seed, epoch).
template <LearningRateSchedule Schedule = step_decay, Augmentation Augment = auto_augment>
class mini_trainer {
public:
    using recipe_type = training_recipe<Schedule, Augment>;

    explicit mini_trainer(std::shared_ptr<const training_data> data, recipe_type recipe = {},
                          training_machine machine = {})
        : data_(std::move(data)), recipe_(std::move(recipe)), machine_(std::move(machine)) {
        const auto& v = data_->validation;
        data_hash_ = fmt::format("{:016x}", mix_seed(content_hash(data_->train), content_hash(v)));
        const auto chosen = stratified_indices(v.labels, v.classes,
                                               static_cast<std::size_t>(std::max(0, recipe_.validation_images)), 0);
        if (chosen.size() < v.size()) validation_subset_ = select(v, chosen, v.name);
    }

    /// Recipe, data and machine for the journal of a study.
    [[nodiscard]] description describe() const {
        description d = recipe_.describe();
        d.emplace_back("train_data", data_->train.name);
        d.emplace_back("validation_data", data_->validation.name);
        d.emplace_back("data_hash", data_hash_);
        d.emplace_back("device", machine_.device);
        d.emplace_back("threads", machine_.threads > 0 ? fmt::format("{}", machine_.threads) : "all cores");
        d.emplace_back("channels_last", machine_.channels_last ? "yes" : "no");
        return d;
    }

    [[nodiscard]] const training_data& data() const noexcept { return *data_; }

    /// Trains the network from its seed. With a checkpoint path, the run's state is written there behind each epoch
    /// (before `on_epoch` hears of it); a file that is already there is resumed from, and `on_epoch` first gets the
    /// reports of its epochs again, so that a resumed run calls exactly as an uninterrupted one. An empty `on_epoch`
    /// proceeds. Only whole batches are trained; what is left of an epoch's shuffled images waits for another epoch.
    ///
    /// Errors: bad_input (network, fidelity and data do not fit together; a checkpoint of another run or damaged),
    /// training (loss not finite: epoch and step; failure inside torch), io (checkpoint cannot be written),
    /// unavailable (device).
    [[nodiscard]] result<training_metrics> train(const graph_view& net, const fidelity& f, std::uint64_t seed,
                                                 const std::filesystem::path& checkpoint = {},
                                                 const epoch_callback& on_epoch = {}) const {
        if (auto sound = fits(net, f); !sound) return tl::unexpected(std::move(sound.error()));
        const auto device = device_named(machine_.device);
        if (!device) return tl::unexpected(device.error());
        use_threads(machine_.threads);
        try {
            run r(*this, net, f, seed, *device, checkpoint);
            return r.go(on_epoch);
        } catch (const std::exception& e) {
            return fail(errc::training, "training failed: " + first_line_of(e));
        }
    }

    /// Whether network, fidelity and data fit together: what train() checks first.
    [[nodiscard]] result<void> fits(const graph_view& net, const fidelity& f) const {
        const image_set& train = data_->train;
        const auto range = [](const char* what, std::int64_t got, std::int64_t low, std::int64_t high) -> result<void> {
            if (got >= low && got <= high) return {};
            return fail(errc::bad_input, std::string(what) + " of the fidelity", "training", fmt::format("{}", got),
                        fmt::format("{} .. {}", low, high));
        };
        const auto images = static_cast<std::int64_t>(train.size());
        for (const auto& r :
             {range("resolution", f.resolution, 1, max_extent), range("images", f.images, 0, images),
              range("epochs", f.epochs, 1, 1'000'000), range("batch", f.batch, 2, f.images == 0 ? images : f.images)})
            if (!r) return r;
        if (net.ops.empty()) return fail(errc::bad_input, "network has no operators", "training");
        if (net.input.channels != train.image.channels)
            return fail(errc::bad_input, "input channels of the network and the images differ", "training",
                        fmt::format("{}", net.input.channels), fmt::format("{}", train.image.channels));
        if (net.output() != shape{train.classes, 1, 1})
            return fail(errc::bad_input, "outputs of the network and classes of the data differ", "training",
                        fmt::format("{}x{}x{}", net.output().channels, net.output().height, net.output().width),
                        fmt::format("{}", train.classes));
        if (auto shapes = shapes_at(net, f.resolution, f.resolution); !shapes)
            return tl::unexpected(std::move(shapes.error()));
        return {};
    }

private:
    using clock = std::chrono::steady_clock;

    [[nodiscard]] const image_set& validation() const noexcept {
        return validation_subset_.size() > 0 ? validation_subset_ : data_->validation;
    }

    [[nodiscard]] description identity(const graph_view& net, const fidelity& f, std::uint64_t seed) const {
        description d = recipe_.describe();
        d.emplace_back("network", fmt::format("{:016x}", graph_hash(net)));
        d.emplace_back("seed", fmt::format("{}", seed));
        d.emplace_back("fidelity",
                       fmt::format("{} px, {} images, {} epochs, batch {}", f.resolution, f.images, f.epochs, f.batch));
        d.emplace_back("train_data", data_->train.name);
        d.emplace_back("validation_data", data_->validation.name);
        d.emplace_back("data_hash", data_hash_);
        return d;
    }

    /// State of one training.
    class run {
    public:
        run(const mini_trainer& trainer, const graph_view& net, const fidelity& f, std::uint64_t seed,
            at::Device device, const std::filesystem::path& checkpoint)
            : trainer_(trainer),
              fidelity_(f),
              seed_(seed),
              layout_{f.resolution, trainer.machine_.channels_last, device},
              module_(net, mix_seed(seed, 0), {.dropout = trainer.recipe_.dropout}),
              optimizer_(prepare(module_, layout_),
                         {trainer.recipe_.momentum, trainer.recipe_.nesterov, trainer.recipe_.weight_decay}),
              file_(checkpoint, trainer.identity(net, f, seed)),
              stream_(trainer.data_->train, layout_, trainer.recipe_.augmentation, trainer.recipe_.mixing,
                      trainer.machine_.loading),
              images_(stratified_indices(trainer.data_->train.labels, trainer.data_->train.classes,
                                         static_cast<std::size_t>(f.images), trainer.recipe_.subset_seed)) {}

        result<training_metrics> go(const epoch_callback& on_epoch) {
            if (file_.present()) {
                auto loaded = file_.load(module_, optimizer_);
                if (!loaded) return tl::unexpected(std::move(loaded.error()));
                progress_ = std::move(*loaded);
                const std::vector<epoch_report> done = progress_.reports;
                for (const epoch_report& r : done)
                    if (on_epoch && on_epoch(r) == training_control::stop) return metrics();
            }
            earlier_seconds_ = progress_.reports.empty() ? 0 : progress_.reports.back().seconds;
            started_ = clock::now();
            while (static_cast<std::int32_t>(progress_.reports.size()) < fidelity_.epochs) {
                const auto epoch = static_cast<std::int32_t>(progress_.reports.size());
                auto loss = train_epoch(epoch);
                if (!loss) return tl::unexpected(std::move(loss.error()));
                const evaluation e = evaluate(module_, trainer_.validation(), layout_, evaluation_batch());
                if (!std::isfinite(e.loss)) return diverged(epoch, "validation");
                progress_.top5 = e.top5;
                const double rate = trainer_.recipe_.schedule.rate(epoch + 0.5, fidelity_.epochs);  // amid the epoch
                progress_.reports.push_back({epoch + 1, fidelity_.epochs, rate, *loss, e.loss, e.top1,
                                             earlier_seconds_ + since(started_), waited_});
                if (file_.enabled())
                    if (auto saved = file_.save(module_, optimizer_, progress_); !saved)
                        return tl::unexpected(std::move(saved.error()));
                if (on_epoch && on_epoch(progress_.reports.back()) == training_control::stop) break;
            }
            return metrics();
        }

    private:
        /// The layout changes tensors, so it comes before the optimiser sees them.
        static std::vector<at::Tensor> prepare(network_module& module, const batch_layout& layout) {
            module.to(layout.device);
            if (layout.channels_last) module.use_channels_last();
            return module.parameters();
        }

        [[nodiscard]] static double since(clock::time_point t) {
            return std::chrono::duration<double>(clock::now() - t).count();
        }
        [[nodiscard]] std::size_t evaluation_batch() const {
            return static_cast<std::size_t>(std::max(64, fidelity_.batch));
        }

        [[nodiscard]] tl::unexpected<error> diverged(std::int32_t epoch, const std::string& step) const {
            return fail(errc::training, "loss is not finite", fmt::format("epoch {}, {}", epoch + 1, step),
                        "NaN or infinity", "a finite loss: lower the learning rate or clip gradients");
        }

        /// Mean loss of the epoch's steps.
        result<double> train_epoch(std::int32_t epoch) {
            const auto begun = clock::now();
            const std::uint64_t epoch_seed = mix_seed(mix_seed(seed_, 1), static_cast<std::uint64_t>(epoch));
            std::vector<std::size_t> order = images_;
            splitmix64 rng{mix_seed(epoch_seed, 0)};
            for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
            module_.train();
            module_.seed_dropout(mix_seed(epoch_seed, 1));
            const auto batch_size = static_cast<std::size_t>(fidelity_.batch);
            const std::size_t steps = order.size() / batch_size;
            order.resize(steps * batch_size);
            stream_.begin(std::move(order), batch_size, mix_seed(epoch_seed, 2));
            const double waited_before = stream_.seconds_waited();
            double total = 0;
            for (std::size_t step = 0; step < steps; ++step) {
                const auto made = stream_.next();
                if (!made) return tl::unexpected(made.error());
                const at::Tensor loss = made->loss(module_.forward(made->images), trainer_.recipe_.label_smoothing);
                const double value = loss.template item<double>();
                if (!std::isfinite(value)) return diverged(epoch, fmt::format("step {} of {}", step + 1, steps));
                total += value;
                optimizer_.clear_gradients();
                loss.backward();
                if (trainer_.recipe_.clip_norm > 0) optimizer_.clip(trainer_.recipe_.clip_norm);
                const double moment = epoch + static_cast<double>(step) / static_cast<double>(steps);
                optimizer_.step(trainer_.recipe_.schedule.rate(moment, fidelity_.epochs));
            }
            optimizer_.clear_gradients();
            waited_ = stream_.seconds_waited() - waited_before;
            progress_.images_per_second = static_cast<double>(steps * batch_size) / std::max(1e-9, since(begun));
            return total / static_cast<double>(std::max<std::size_t>(1, steps));
        }

        [[nodiscard]] training_metrics metrics() const {
            const epoch_report& last = progress_.reports.back();
            return {last.accuracy, progress_.top5, last.validation_loss,
                    last.epoch,    last.seconds,   progress_.images_per_second};
        }

        const mini_trainer& trainer_;
        fidelity fidelity_;
        std::uint64_t seed_;
        batch_layout layout_;
        network_module module_;
        sgd optimizer_;
        checkpoint_file file_;
        batch_stream<Augment> stream_;
        std::vector<std::size_t> images_;
        training_progress progress_;
        clock::time_point started_{};
        double earlier_seconds_ = 0;
        double waited_ = 0;  ///< for data, in the last epoch
    };

    std::shared_ptr<const training_data> data_;
    recipe_type recipe_;
    training_machine machine_;
    std::string data_hash_;        ///< of both splits: a run must not continue on another one
    image_set validation_subset_;  ///< empty where all validation images are used
};

}  // namespace llmnas
