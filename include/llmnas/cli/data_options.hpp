// SPDX-License-Identifier: MIT
/// \file
/// The flags that choose a data set, the same for every command that trains or evaluates.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/train/any_dataset.hpp>

namespace llmnas::cli {

class data_options {
public:
    void add_to(CLI::App& command) {
        command.add_option(
            "--data", place_,
            "CIFAR-100 or CIFAR-10 (binary or Python version) or a directory of images for each class; else "
            "a CIFAR set in $LLMNAS_DATA_DIR or ./data, or generated images");
        command
            .add_option("--dataset", kind_, "What is at --data: auto (looks), cifar100, cifar10, images or generated")
            ->check(CLI::IsMember(std::vector<std::string>(dataset_kinds.begin(), dataset_kinds.end())))
            ->capture_default_str();
        command.add_option("--image-size", image_size_, "Images of a folder are kept at so many pixels square")
            ->check(CLI::Range(8, 1024))
            ->capture_default_str();
        command.add_option("--hold-out", held_out_, "Images held out of the training file for validation; 0: a tenth")
            ->check(CLI::Range(0, 1'000'000'000));
        command.add_option("--split-seed", split_seed_, "Chooses the images that are held out");
    }

    /// Options for trainers in this and other processes, and what to say on screen. Without --data and --dataset it is
    /// a CIFAR set where there is one, else the generated set. Errors as dataset_at().
    template <class Say>
    [[nodiscard]] result<json_value> find(const Say& say) const {
        const char* const from_environment = std::getenv("LLMNAS_DATA_DIR");
        json_value options{{"data", !place_.empty()                         ? place_
                                    : from_environment && *from_environment ? from_environment
                                                                            : "data"},
                           {"dataset", kind_},
                           {"image_size", image_size_},
                           {"hold_out", held_out_},
                           {"split_seed", split_seed_}};
        const std::string place = options["data"];
        if (kind_ == "auto" && place_.empty() && !holds_cifar(place)) {
            options["dataset"] = "generated";
            say(fmt::format(
                "data: no cifar100/train.bin or other CIFAR set in {}; using generated images (100 classes, "
                "seed 0)",
                place));
            return options;
        }
        const auto found = open(options);
        if (!found) return tl::unexpected(found.error());
        say(kind_ == "generated" ? "data: generated images (100 classes, seed 0)"
                                 : fmt::format("data: {} in {}", found->name(), place));
        return options;
    }

    /// The data set that options of find() name.
    [[nodiscard]] static result<any_dataset> open(const json_value& options) {
        image_folder_options images;
        images.size = options.value("image_size", images.size);
        return dataset_at(options.value("data", "data"), options.value("dataset", "auto"), images);
    }

    /// Its training and validation images. Errors as dataset_at() and load().
    [[nodiscard]] static result<training_data> load(const json_value& options) {
        const auto data = open(options);
        if (!data) return tl::unexpected(data.error());
        return llmnas::load(*data,
                            {options.value("hold_out", std::size_t{0}), options.value("split_seed", std::uint64_t{0})});
    }

private:
    /// Images are looked for only where the user says so: a directory with pictures may lie anywhere.
    [[nodiscard]] static bool holds_cifar(const std::filesystem::path& place) {
        return dataset_at(place, "cifar100").has_value() || dataset_at(place, "cifar10").has_value();
    }

    std::string place_;
    std::string kind_ = "auto";
    std::int32_t image_size_ = image_folder_options{}.size;
    std::size_t held_out_ = 0;
    std::uint64_t split_seed_ = 0;
};

}  // namespace llmnas::cli
