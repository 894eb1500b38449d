// SPDX-License-Identifier: MIT
/// \file
/// `llmnas train`: one network from its seed to weights, with checkpoints to go on from.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/command_line.hpp>
#include <llmnas/cli/data_options.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/network_source.hpp>
#include <llmnas/cli/program_search.hpp>
#include <llmnas/cli/training_progress_bar.hpp>
#include <llmnas/core/version.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/train/blas_check.hpp>
#include <llmnas/train/checkpoint.hpp>
#include <llmnas/train/process_memory.hpp>
#include <llmnas/train/pth_writer.hpp>
#include <llmnas/train/safetensors.hpp>

namespace llmnas::cli {

class train_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand("train", "Trains one network; ends with its weights in --out");
        command_->add_option("network", network_, "JSON file in the published format, or a name of the zoo")
            ->required();
        command_->add_option("--out", out_, "Directory for checkpoint, curve and weights")->capture_default_str();
        command_->add_flag("--resume", resume_, "Goes on from the checkpoint in --out, if there is one");
        command_->add_option("--recipe,--phase", recipe_, "mini, full, quick, published_code or published_code_full")
            ->capture_default_str();
        command_->add_option("--seed", seed_, "Of weights, order, augmentation and dropout")->capture_default_str();
        command_->add_option("--resolution", fidelity_.resolution, "Training resolution, pixels; else the recipe's")
            ->check(CLI::Range(8, 1024));
        command_->add_option("--images", fidelity_.images, "Training images, a stratified subset; 0: all")
            ->check(CLI::Range(0, 1'000'000'000));
        command_->add_option("--validation-images", validation_images_, "Images of the validation split; 0: all")
            ->check(CLI::Range(0, 1'000'000'000));
        command_->add_option("--epochs", fidelity_.epochs, "Epochs; else the recipe's")->check(CLI::Range(1, 100'000));
        command_->add_option("--batch", fidelity_.batch, "Images a step; else the recipe's")
            ->check(CLI::Range(2, 65536));
        command_
            ->add_option("--average", average_decay_, "Decay of a moving average of the weights, like 0.999; 0: none")
            ->check(CLI::Range(0.0, 1.0));
        command_->add_option("--mixed-precision", precision_, "none, bf16, or fp16 with a scaled loss (CUDA)")
            ->capture_default_str();
        command_->add_flag("--fused,!--no-fused", fused_,
                           "Batch norms and depthwise gradients by llmnas on CPUs (default)");
        command_->add_option("--input", input_, "Input that the network is lowered for, from JSON 3x160x160");
        command_->add_option("--device", device_, "auto, cpu or cuda")->capture_default_str();
        command_->add_option("--threads", threads_, "Threads; 0: all cores")->check(CLI::Range(0, 4096));
        data_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
        catch_interrupts();
        const fidelity wanted = fidelity_of_recipe();
        auto options = data_.find(say);
        if (!options) return tl::unexpected<error>(options.error());
        (*options)["recipe"] = recipe_;
        (*options)["threads"] = threads_;
        (*options)["device"] = device_;
        (*options)["validation_images"] = validation_images_;
        (*options)["average_decay"] = average_decay_;
        (*options)["mixed_precision"] = precision_;
        (*options)["fused_operators"] = fused_;
        training_progress_bar bar;
        const auto trainer = program_search::make_trainer(*options, [&bar](const step_report& r) {
            bar.step_done(r);
            return interrupt_requested() ? training_control::stop : training_control::proceed;
        });
        if (!trainer) return tl::unexpected<error>(trainer.error());
        const auto source = network_source::named(network_, input_, trainer->data().train.classes);
        if (!source) return tl::unexpected<error>(source.error());
        if (auto fits = trainer->fits(source->graph.view(), wanted); !fits) return tl::unexpected<error>(fits.error());
        if (auto ready = prepare_directory(); !ready) return tl::unexpected<error>(ready.error());
        if (const std::string advice = blas_advice(); !advice.empty()) say(advice);

        std::vector<epoch_report> reports;
        result<void> written;
        const auto done = trainer->train(source->graph.view(), wanted, seed_, checkpoint(), [&](const epoch_report& r) {
            bar.epoch_done(r);
            reports.push_back(r);
            written = write_text_file(out_ / "curve.csv", curve(reports));
            return written ? training_control::proceed : training_control::stop;
        });
        bar.clear();
        if (!done) return stopped(done.error());
        if (!written) return tl::unexpected<error>(written.error());
        if (auto saved = save_weights(*source, *trainer, wanted, *done); !saved)
            return tl::unexpected<error>(saved.error());
        fmt::print(
            "validation top-1 {:.2f} %, top-5 {:.2f} %, loss {:.4f} after {} epochs, {}, at most {} MiB of memory\n",
            100 * done->accuracy, 100 * done->top5, done->loss, done->epochs, clock_text(done->seconds),
            peak_resident_bytes() >> 20);
        for (const char* file : {"weights.safetensors", "weights.pth", "curve.csv"})
            fmt::print("{}\n", (out_ / file).string());
        return success;
    }

private:
    static void say(const std::string& text) { fmt::print(stderr, "{}\n", text); }

    [[nodiscard]] std::filesystem::path checkpoint() const { return out_ / "checkpoint.safetensors"; }

    /// What the flags leave open: the paper's 30 or 120 epochs of 128 at 160 px; for `quick` a quarter of an hour on
    /// two cores.
    [[nodiscard]] fidelity fidelity_of_recipe() const {
        fidelity f = fidelity_;
        const auto unless_given = [&](const char* flag, std::int32_t& value, std::int32_t usual) {
            if (command_->count(flag) == 0) value = usual;
        };
        const bool quick = recipe_ == "quick";
        unless_given("--resolution", f.resolution, quick ? 64 : 160);
        unless_given("--epochs", f.epochs,
                     quick                                                        ? 8
                     : recipe_.starts_with("mini") || recipe_ == "published_code" ? 30
                                                                                  : 120);
        unless_given("--batch", f.batch, quick ? 64 : 128);
        return f;
    }

    [[nodiscard]] result<void> prepare_directory() const {
        std::error_code failed;
        std::filesystem::create_directories(out_, failed);
        if (failed) return fail(errc::io, "cannot make directory: " + failed.message(), out_.string());
        const bool there = std::filesystem::exists(checkpoint(), failed);
        if (there && !resume_)
            return fail(errc::bad_input, "a training is there already", out_.string(), "",
                        "--resume to go on with it, or another --out");
        if (!there && resume_) say("no checkpoint in " + out_.string() + ": starting anew");
        return {};
    }

    [[nodiscard]] result<exit_code> stopped(const error& e) const {
        std::error_code ignored;
        if (e.code == errc::interrupted && std::filesystem::exists(checkpoint(), ignored))
            say("saved; go on with: llmnas " + command_line(*command_, {"--resume"}));
        return tl::unexpected<error>(e);
    }

    [[nodiscard]] static std::string curve(const std::vector<epoch_report>& reports) {
        std::string text =
            "epoch,learning_rate,train_loss,validation_loss,top1,top5,images_per_second,seconds_waited,seconds\n";
        for (const epoch_report& r : reports)
            text += fmt::format("{},{:.6g},{:.6f},{:.6f},{:.6f},{:.6f},{:.2f},{:.3f},{:.2f}\n", r.epoch,
                                r.learning_rate, r.train_loss, r.validation_loss, r.accuracy, r.top5,
                                r.images_per_second, r.seconds_waited, r.seconds);
        return text;
    }

    /// The weights behind the last epoch, in both formats, with what they are of and how they came about.
    [[nodiscard]] result<void> save_weights(const network_source& source, const program_search::trainer& trainer,
                                            const fidelity& f, const training_metrics& m) const {
        const auto weights = weights_in_checkpoint(checkpoint());
        if (!weights) return tl::unexpected<error>(weights.error());
        json_value recipe;
        for (const auto& [key, value] : trainer.describe()) recipe[key] = value;
        recipe["images"] = f.images;
        recipe["epochs"] = f.epochs;
        recipe["batch"] = f.batch;
        recipe["seed"] = seed_;
        std::map<std::string, std::string> metadata{{"format", "pt"},  // as PyTorch's own safetensors files say
                                                    {"llmnas", std::string(version)},
                                                    {"classes", fmt::format("{}", trainer.data().train.classes)},
                                                    {"resolution", fmt::format("{}", f.resolution)},
                                                    {"recipe", recipe.dump()},
                                                    {"validation_top1", fmt::format("{}", m.accuracy)},
                                                    {"validation_top5", fmt::format("{}", m.top5)},
                                                    {"validation_loss", fmt::format("{}", m.loss)}};
        source.describe(metadata);
        if (auto saved = write_safetensors(out_ / "weights.safetensors", *weights, metadata); !saved) return saved;
        return write_pth(out_ / "weights.pth", *weights, metadata);
    }

    CLI::App* command_ = nullptr;
    data_options data_;
    std::string network_;
    std::filesystem::path out_ = "llmnas-training";
    bool resume_ = false;
    std::string recipe_ = "mini";
    std::uint64_t seed_ = 0;
    fidelity fidelity_;
    std::int32_t validation_images_ = 0;
    double average_decay_ = 0;
    std::string precision_ = "none";
    bool fused_ = true;
    std::string input_;
    std::string device_ = "auto";
    std::int32_t threads_ = 0;
};

}  // namespace llmnas::cli
