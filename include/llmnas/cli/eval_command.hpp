// SPDX-License-Identifier: MIT
/// \file
/// `llmnas eval`: the final evaluation of trained weights, on the complete test split.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/cli/data_options.hpp>
#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/network_source.hpp>
#include <llmnas/cli/progress_bar.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/train/blas_check.hpp>
#include <llmnas/train/evaluate.hpp>
#include <llmnas/train/fits_images.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/torch_compat.hpp>
#include <llmnas/train/weights_file.hpp>

namespace llmnas::cli {

class eval_command {
public:
    void add_to(CLI::App& app) {
        command_ = app.add_subcommand("eval", "Accuracy, loss and scores of trained weights on the test images");
        command_
            ->add_option("files", files_,
                         "[ARCH] WEIGHTS: a JSON file or a name of the zoo, and a .pth or .safetensors file; one that "
                         "llmnas train wrote needs no ARCH")
            ->required()
            ->expected(1, 2);
        command_
            ->add_option("--split", split_, "test, or the validation images that --hold-out and --split-seed choose")
            ->check(CLI::IsMember({"test", "validation"}))
            ->capture_default_str();
        command_
            ->add_option("--resolution", resolution_,
                         "Pixels that images are resized to; 0: as trained, else the input's")
            ->check(CLI::Range(0, 1024));
        command_->add_option("--input", input_, "Input that the network is lowered for, from JSON 3x160x160");
        command_->add_option("--batch", batch_, "Images at a time; 0: 32 on a CPU, 256 on a GPU")
            ->check(CLI::Range(0, 65536));
        command_->add_option("--device", device_, "auto, cpu or cuda")->capture_default_str();
        command_->add_option("--threads", threads_, "Threads; 0: all cores")->check(CLI::Range(0, 4096));
        command_->add_option("--per-class", per_class_, "CSV file with the scores of every class");
        command_->add_flag("--json", json_, "JSON instead of a table");
        data_.add_to(*command_);
    }

    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    [[nodiscard]] result<exit_code> run() const {
        catch_interrupts();
        const auto device = device_named(device_);
        if (!device) return tl::unexpected<error>(device.error());
        auto weights = read_weights(files_.back());
        if (!weights) return tl::unexpected<error>(weights.error());
        const auto images = load_images();
        if (!images) return tl::unexpected<error>(images.error());
        const auto source = files_.size() == 2
                                ? network_source::named(files_.front(), input_, images->classes)
                                : network_source::from_metadata(weights->metadata, files_.back(), images->classes);
        if (!source) return tl::unexpected<error>(source.error());
        const graph_view net = source->graph.view();
        const std::int32_t resolution = resolution_for(net, weights->metadata);
        if (auto fits = fits_images(net, *images, resolution, source->name); !fits)
            return tl::unexpected<error>(fits.error());
        if (const std::string advice = blas_advice(); !advice.empty()) fmt::print(stderr, "{}\n", advice);
        try {
            use_threads(threads_);
            network_module module(net);
            if (auto loaded = load(module, weights->tensors, images->classes); !loaded)
                return tl::unexpected<error>(loaded.error());
            module.to(*device);
            module.use_channels_last();
            return measure(module, *source, *images, {resolution, true, *device});
        } catch (const std::exception& e) {
            return fail(errc::training, "evaluation failed: " + first_line_of(e), source->name);
        }
    }

private:
    [[nodiscard]] result<image_set> load_images() const {
        const auto options = data_.find([](const std::string& text) { fmt::print(stderr, "{}\n", text); });
        if (!options) return tl::unexpected<error>(options.error());
        if (split_ == "validation") {
            auto data = data_options::load(*options);
            if (!data) return tl::unexpected<error>(data.error());
            return std::move(data->validation);
        }
        const auto data = data_options::open(*options);
        if (!data) return tl::unexpected<error>(data.error());
        const auto test = data->load_test();
        if (!test) return tl::unexpected<error>(test.error());
        const image_set& images = test->for_final_report();
        if (auto sound = check_images(images, false); !sound) return tl::unexpected<error>(sound.error());
        return images;
    }

    [[nodiscard]] std::int32_t resolution_for(const graph_view& net,
                                              const network_source::metadata_map& metadata) const {
        if (resolution_ > 0) return resolution_;
        std::int32_t trained = 0;
        if (const auto at = metadata.find("resolution"); at != metadata.end())
            std::from_chars(at->second.data(), at->second.data() + at->second.size(), trained);
        return trained > 0 ? trained : net.input.height;
    }

    /// Weights for another number of classes are told apart from those of another network.
    [[nodiscard]] result<void> load(network_module& module, const state_dict& weights, std::int32_t classes) const {
        const at::Tensor* const last = weights.find("classifier.weight");
        if (last != nullptr && last->dim() > 0 && last->size(0) != classes)
            return fail(errc::bad_input, "classes of the weights and of the data differ", files_.back(),
                        fmt::format("{}", last->size(0)), fmt::format("{}", classes));
        return load_into(module, weights, files_.back());
    }

    [[nodiscard]] result<exit_code> measure(network_module& module, const network_source& source,
                                            const image_set& images, const batch_layout& layout) const {
        progress_bar bar;
        // On a CPU the maps of a larger batch cost more in fresh pages than they save in calls: 1.2 times the time at
        // 128.
        const auto batch = static_cast<std::size_t>(batch_ > 0 ? batch_ : layout.device.is_cpu() ? 32 : 256);
        const auto begun = std::chrono::steady_clock::now();
        const auto seconds = [&begun] {
            return std::max(1e-9, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
        };
        const auto e = evaluate(module, images, layout, batch, [&](std::size_t done) {
            const auto n = static_cast<double>(done);
            bar.show(n / static_cast<double>(images.size()), 0,
                     fmt::format("{}/{}  {:.0f} images/s", grouped(done), grouped(images.size()), n / seconds()));
            return !interrupt_requested();
        });
        const double taken = seconds();
        bar.clear();
        if (e.images < images.size())
            return fail(errc::interrupted, "interrupted", "evaluation", fmt::format("{} images", e.images),
                        fmt::format("{}", images.size()));
        if (!std::isfinite(e.loss))
            return fail(errc::training, "loss is not finite", source.name, "NaN or infinity",
                        "weights of this network");
        if (!per_class_.empty())
            if (auto written = write_text_file(per_class_, per_class_csv(e.confusion, images)); !written)
                return tl::unexpected<error>(written.error());
        const double speed = static_cast<double>(e.images) / taken;
        if (json_)
            print_json(e, source, images, layout.resolution, taken, speed);
        else
            print_text(e, source, images, layout.resolution, taken, speed);
        return success;
    }

    void print_text(const evaluation& e, const network_source& source, const image_set& images, std::int32_t resolution,
                    double seconds, double speed) const {
        const class_scores macro = e.confusion.macro();
        fmt::print("top-1 {:.2f} % ({} of {})\ntop-5 {:.2f} %\nloss {:.4f}\n", 100 * e.top1,
                   grouped(static_cast<std::uint64_t>(e.confusion.hits())), grouped(e.images), 100 * e.top5, e.loss);
        fmt::print("precision {:.2f} %, recall {:.2f} %, F1 {:.2f} % (means over classes)\n", 100 * macro.precision,
                   100 * macro.recall, 100 * macro.f1);
        fmt::print("{}, {} on {} at {} px; {:.1f} s, {:.0f} images/s\n", source.name, files_.back(), images.name,
                   resolution, seconds, speed);
    }

    void print_json(const evaluation& e, const network_source& source, const image_set& images, std::int32_t resolution,
                    double seconds, double speed) const {
        const class_scores macro = e.confusion.macro();
        const json_value out{{"network", source.name},
                             {"weights", files_.back()},
                             {"data", images.name},
                             {"split", split_},
                             {"classes", images.classes},
                             {"resolution", resolution},
                             {"images", e.images},
                             {"correct", e.confusion.hits()},
                             {"top1", e.top1},
                             {"top5", e.top5},
                             {"loss", e.loss},
                             {"precision", macro.precision},
                             {"recall", macro.recall},
                             {"f1", macro.f1},
                             {"seconds", seconds},
                             {"images_per_second", speed}};
        fmt::print("{}\n", out.dump(2, ' ', false, json_value::error_handler_t::replace));
    }

    [[nodiscard]] static std::string per_class_csv(const confusion_matrix& m, const image_set& images) {
        std::string text = "class,name,images,taken_for,correct,precision,recall,f1\n";
        for (std::int32_t c = 0; c < m.classes(); ++c) {
            const class_scores s = m.scores(c);
            std::string name = images.class_names.empty() ? "" : images.class_names[static_cast<std::size_t>(c)];
            if (name.find_first_of(",\"\r\n") != std::string::npos) {  // RFC 4180
                for (std::size_t at = 0; (at = name.find('"', at)) != std::string::npos; at += 2) name.insert(at, "\"");
                name = '"' + name + '"';
            }
            text += fmt::format("{},{},{},{},{},{:.6f},{:.6f},{:.6f}\n", c, name, m.images_of(c), m.taken_for(c),
                                m.count(c, c), s.precision, s.recall, s.f1);
        }
        return text;
    }

    CLI::App* command_ = nullptr;
    data_options data_;
    std::vector<std::string> files_;
    std::string split_ = "test";
    std::string input_;
    std::int32_t resolution_ = 0;
    std::int32_t batch_ = 0;
    std::string device_ = "auto";
    std::int32_t threads_ = 0;
    std::string per_class_;
    bool json_ = false;
};

}  // namespace llmnas::cli
