// SPDX-License-Identifier: MIT
/// \file
/// Checkpoints of a training run: weights, momentum and what has been reported, in one safetensors file.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/safetensors.hpp>
#include <llmnas/train/sgd.hpp>
#include <llmnas/train/state_dict.hpp>
#include <llmnas/train/weight_average.hpp>

namespace llmnas {

namespace detail {
inline const std::string momentum_prefix = "momentum.";
inline const std::string average_prefix = "average.";
inline const std::string dropout_name = "dropout_stream";
}  // namespace detail

/// What a run has done so far, besides its tensors.
struct training_progress {
    std::vector<epoch_report> reports;  ///< one a finished epoch
    // Of the epoch behind them:
    std::size_t steps = 0;   ///< done
    double loss = 0;         ///< their sum
    double seconds = 0;      ///< of training
    double waited = 0;       ///< of these, for data
    double run_seconds = 0;  ///< since the start of the run, in all its parts
    double loss_scale = 1;   ///< of mixed precision, and the steps since it changed
    std::int64_t finite_steps = 0;
};

/// A run's checkpoint file. `identity` is everything that decides the run's numbers (network, data, recipe, fidelity,
/// seed): a file with another identity is refused, it is never resumed from.
class checkpoint_file {
public:
    checkpoint_file(std::filesystem::path path, description identity)
        : path_(std::move(path)), identity_(std::move(identity)) {}

    [[nodiscard]] bool enabled() const noexcept { return !path_.empty(); }
    [[nodiscard]] bool present() const {
        std::error_code ignored;
        return enabled() && std::filesystem::exists(path_, ignored);
    }

    /// Replaces the file. Random numbers need little state in it: each epoch draws from streams of (seed, epoch); only
    /// that of dropout may stand in the middle of an epoch.
    [[nodiscard]] result<void> save(const network_module& module, sgd& optimizer, const weight_average& average,
                                    const training_progress& progress) const {
        std::map<std::string, std::string> metadata{
            {"format", format},
            {"epoch", fmt::format("{} {} {} {} {} {} {}", progress.steps, progress.loss, progress.seconds,
                                  progress.waited, progress.run_seconds, progress.loss_scale, progress.finite_steps)}};
        for (const auto& [key, value] : identity_) metadata["run." + key] = value;
        std::string reports;
        for (const epoch_report& r : progress.reports)
            reports +=
                fmt::format("{} {} {} {} {} {} {} {} {} {}\n", r.epoch, r.epochs, r.learning_rate, r.train_loss,
                            r.validation_loss, r.accuracy, r.seconds, r.seconds_waited, r.top5, r.images_per_second);
        metadata["reports"] = std::move(reports);
        return write_safetensors(path_, tensors_of(module, optimizer, average, module.dropout_state()), metadata);
    }

    /// Loads module, optimiser, average and progress. bad_input where the file is damaged, or of another run: what
    /// differs.
    [[nodiscard]] result<training_progress> load(network_module& module, sgd& optimizer,
                                                 const weight_average& average) const {
        auto file = read_safetensors(path_);
        if (!file) return tl::unexpected(std::move(file.error()));
        const auto found = [&](const std::string& key) {
            const auto at = file->metadata.find(key);
            return at == file->metadata.end() ? std::string{} : at->second;
        };
        if (found("format") != format)
            return fail(errc::bad_input, "no checkpoint of a training run", path_.string(), found("format"), format);
        for (const auto& [key, value] : identity_)
            if (found("run." + key) != value)
                return fail(errc::bad_input, "checkpoint belongs to another run: " + key + " differs", path_.string(),
                            found("run." + key), value);
        training_progress progress;
        double steps = 0;
        double finite_steps = 0;
        bool sound = parse(found("epoch"), {&steps, &progress.loss, &progress.seconds, &progress.waited,
                                            &progress.run_seconds, &progress.loss_scale, &finite_steps}) &&
                     steps >= 0 && steps < 1e9 && finite_steps >= 0 && finite_steps < 1e9;
        progress.steps = sound ? static_cast<std::size_t>(steps) : 0;
        progress.finite_steps = sound ? static_cast<std::int64_t>(finite_steps) : 0;
        const std::string reports = found("reports");
        for (std::size_t begin = 0; begin < reports.size() && sound;) {
            const std::size_t end = std::min(reports.find('\n', begin), reports.size());
            epoch_report r;
            double epoch = 0;
            double epochs = 0;
            sound = parse(std::string_view(reports).substr(begin, end - begin),
                          {&epoch, &epochs, &r.learning_rate, &r.train_loss, &r.validation_loss, &r.accuracy,
                           &r.seconds, &r.seconds_waited, &r.top5, &r.images_per_second});
            r.epoch = static_cast<std::int32_t>(progress.reports.size()) + 1;
            r.epochs = static_cast<std::int32_t>(epochs);
            sound = sound && epoch == r.epoch;
            progress.reports.push_back(r);
            begin = end + 1;
        }
        if (!sound) return fail(errc::bad_input, "checkpoint's record of epochs is damaged", path_.string());
        const at::Tensor dropout = module.dropout_state().clone();
        if (auto loaded = load_into(tensors_of(module, optimizer, average, dropout), file->tensors, path_.string());
            !loaded)
            return tl::unexpected(std::move(loaded.error()));
        module.set_dropout_state(dropout);
        return progress;
    }

private:
    static constexpr const char* format = "llmnas checkpoint 4";

    /// The tensors themselves, so that loading into the result restores the run.
    [[nodiscard]] static state_dict tensors_of(const network_module& module, sgd& optimizer,
                                               const weight_average& average, const at::Tensor& dropout) {
        state_dict all = state_of(module);
        const auto parameters = module.named_parameters();
        for (std::size_t i = 0; i < optimizer.momentum().size(); ++i)
            all.entries.push_back({detail::momentum_prefix + parameters[i].key(), optimizer.momentum()[i]});
        for (const named_tensor& t : average.tensors())
            all.entries.push_back({detail::average_prefix + t.name, t.value});
        all.entries.push_back({detail::dropout_name, dropout});
        return all;
    }

    /// As many numbers as there are places, separated by blanks, and nothing else.
    [[nodiscard]] static bool parse(std::string_view text, std::initializer_list<double*> places) {
        const char* at = text.data();
        const char* const end = at + text.size();
        for (double* place : places) {
            while (at != end && *at == ' ') ++at;
            const auto [next, problem] = std::from_chars(at, end, *place);
            if (problem != std::errc{}) return false;
            at = next;
        }
        return at == end;
    }

    std::filesystem::path path_;
    description identity_;
};

/// The network's tensors in a checkpoint file, averages where it holds them. Errors as read_safetensors().
[[nodiscard]] inline result<state_dict> weights_in_checkpoint(const std::filesystem::path& path) {
    auto file = read_safetensors(path);
    if (!file) return tl::unexpected(std::move(file.error()));
    state_dict weights;
    for (const named_tensor& t : file->tensors.entries) {
        if (t.name == detail::dropout_name || t.name.starts_with(detail::momentum_prefix) ||
            t.name.starts_with(detail::average_prefix))
            continue;
        const at::Tensor* const average = file->tensors.find(detail::average_prefix + t.name);
        weights.entries.push_back({t.name, average != nullptr ? *average : t.value});
    }
    return weights;
}

}  // namespace llmnas
