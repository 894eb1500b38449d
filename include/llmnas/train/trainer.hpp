// SPDX-License-Identifier: MIT
/// \file
/// The mini phase: a short training of one candidate, whose validation accuracy the search goes by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/graph_hash.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/fits_images.hpp>
#include <llmnas/train/process_memory.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/torch_compat.hpp>
#include <llmnas/train/training_machine.hpp>
#include <llmnas/train/training_run.hpp>

namespace llmnas {

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
        d.emplace_back("fused_operators", machine_.fused_operators ? "yes" : "no");
        return d;
    }

    [[nodiscard]] const training_data& data() const noexcept { return *data_; }

    /// Trains the network from its seed. With a checkpoint path, the run's state is written there behind each epoch
    /// (before `on_epoch` hears of it) and where the machine's `on_step` stops it; a file that is already there is
    /// resumed from, and `on_epoch` first gets the reports of its epochs again, so that a resumed run calls exactly as
    /// an uninterrupted one. An empty `on_epoch` proceeds. Only whole batches are trained; what is left of an epoch's
    /// shuffled images waits for another epoch.
    ///
    /// Errors: bad_input (network, fidelity and data do not fit together; a checkpoint of another run or damaged),
    /// training (loss not finite: epoch and step; failure inside torch), io (checkpoint cannot be written),
    /// unavailable (device), interrupted (`on_step` stopped it: where).
    [[nodiscard]] result<training_metrics> train(const graph_view& net, const fidelity& f, std::uint64_t seed,
                                                 const std::filesystem::path& checkpoint = {},
                                                 const epoch_callback& on_epoch = {}) const {
        if (auto sound = fits(net, f); !sound) return tl::unexpected(std::move(sound.error()));
        const auto device = device_named(machine_.device);
        if (!device) return tl::unexpected(device.error());
        if (recipe_.precision == mixed_precision::fp16 && device->is_cpu())
            return fail(errc::unavailable, "training in fp16 needs CUDA", {}, "cpu", "bf16, or none");
        use_threads(machine_.threads);
        if (machine_.keep_memory) keep_freed_memory();
        try {
            training_run<Schedule, Augment> run(recipe_, machine_, data_->train, validation(), net, f, seed, *device,
                                                {checkpoint, identity(net, f, seed)});
            return run.go(on_epoch);
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
        return fits_images(net, train, f.resolution, "training");
    }

private:
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

    std::shared_ptr<const training_data> data_;
    recipe_type recipe_;
    training_machine machine_;
    std::string data_hash_;        ///< of both splits: a run must not continue on another one
    image_set validation_subset_;  ///< empty where all validation images are used
};

}  // namespace llmnas
