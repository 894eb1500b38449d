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

#include <llmnas/core/graph.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/safetensors.hpp>
#include <llmnas/train/sgd.hpp>

namespace llmnas {

/// What a run has done so far, besides its tensors.
struct training_progress {
    std::vector<epoch_report> reports;  ///< one a finished epoch
    double top5 = 0;                    ///< behind the last of them
    double images_per_second = 0;
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

    /// Replaces the file. Random numbers need no state in it: each epoch draws from streams of (seed, epoch).
    [[nodiscard]] result<void> save(const torch::nn::Module& module, sgd& optimizer,
                                    const training_progress& progress) const {
        std::map<std::string, std::string> metadata{
            {"format", format},
            {"top5", fmt::format("{}", progress.top5)},
            {"images_per_second", fmt::format("{}", progress.images_per_second)}};
        for (const auto& [key, value] : identity_) metadata["run." + key] = value;
        std::string reports;
        for (const epoch_report& r : progress.reports)
            reports += fmt::format("{} {} {} {} {} {} {} {}\n", r.epoch, r.epochs, r.learning_rate, r.train_loss,
                                   r.validation_loss, r.accuracy, r.seconds, r.seconds_waited);
        metadata["reports"] = std::move(reports);
        return write_safetensors(path_, tensors_of(module, optimizer), metadata);
    }

    /// Loads module, optimiser and progress. bad_input where the file is damaged, or of another run: what differs.
    [[nodiscard]] result<training_progress> load(torch::nn::Module& module, sgd& optimizer) const {
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
        bool sound =
            parse(found("top5"), {&progress.top5}) && parse(found("images_per_second"), {&progress.images_per_second});
        const std::string reports = found("reports");
        for (std::size_t begin = 0; begin < reports.size() && sound;) {
            const std::size_t end = std::min(reports.find('\n', begin), reports.size());
            epoch_report r;
            double epoch = 0;
            double epochs = 0;
            sound = parse(std::string_view(reports).substr(begin, end - begin),
                          {&epoch, &epochs, &r.learning_rate, &r.train_loss, &r.validation_loss, &r.accuracy,
                           &r.seconds, &r.seconds_waited});
            r.epoch = static_cast<std::int32_t>(progress.reports.size()) + 1;
            r.epochs = static_cast<std::int32_t>(epochs);
            sound = sound && epoch == r.epoch;
            progress.reports.push_back(r);
            begin = end + 1;
        }
        if (!sound || progress.reports.empty())
            return fail(errc::bad_input, "checkpoint's record of epochs is damaged", path_.string());
        if (auto loaded = load_into(tensors_of(module, optimizer), file->tensors, path_.string()); !loaded)
            return tl::unexpected(std::move(loaded.error()));
        return progress;
    }

private:
    static constexpr const char* format = "llmnas checkpoint 2";

    /// The tensors themselves, so that loading into the result restores the run.
    [[nodiscard]] static state_dict tensors_of(const torch::nn::Module& module, sgd& optimizer) {
        state_dict all = state_of(module);
        const auto parameters = module.named_parameters();
        for (std::size_t i = 0; i < optimizer.momentum().size(); ++i)
            all.entries.push_back({"momentum." + parameters[i].key(), optimizer.momentum()[i]});
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

}  // namespace llmnas
