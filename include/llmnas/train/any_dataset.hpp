// SPDX-License-Identifier: MIT
/// \file
/// Data sets chosen at run time: what lies in a directory decides, or its user. For programs; a library's user names
/// the type. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <llmnas/core/result.hpp>
#include <llmnas/train/cifar.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/generated_images.hpp>
#include <llmnas/train/image_folder.hpp>

namespace llmnas {

/// One of the built-in data sets.
class any_dataset {
public:
    template <class D>
    any_dataset(D data) : data_(std::move(data)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] std::string name() const {
        return std::visit([](const auto& d) { return d.name(); }, data_);
    }
    [[nodiscard]] result<training_data> load(const holdout& h = {}) const {
        return std::visit([&](const auto& d) { return d.load(h); }, data_);
    }
    [[nodiscard]] result<test_split> load_test() const {
        return std::visit([](const auto& d) { return d.load_test(); }, data_);
    }

private:
    std::variant<cifar, image_folder, generated_images> data_;
};
static_assert(Dataset<any_dataset>);

/// Names of the kinds for dataset_at() and the command line; "auto" stands for what is there.
inline constexpr std::array<std::string_view, 5> dataset_kinds{"auto", "cifar100", "cifar10", "images", "generated"};

/// The data set of a kind at a place. A directory is searched for CIFAR-100 and then CIFAR-10, of each the binary and
/// then the Python version (cifar::find() says where), then for class directories with images; a file is taken for the
/// version of CIFAR whose first training file has its name. "generated" needs no place. Says nothing about the contents
/// of the files. Errors: bad_input (unknown kind), unavailable (nothing of that kind there).
[[nodiscard]] inline result<any_dataset> dataset_at(const std::filesystem::path& place, std::string_view kind = "auto",
                                                    const image_folder_options& images = {}) {
    if (std::find(dataset_kinds.begin(), dataset_kinds.end(), kind) == dataset_kinds.end())
        return fail(errc::bad_input, "unknown kind of data set", {}, std::string(kind),
                    fmt::format("{}", fmt::join(dataset_kinds, ", ")));
    if (kind == "generated") return generated_images();
    std::error_code ignored;
    const bool any = kind == "auto";
    const bool is_file = std::filesystem::is_regular_file(place, ignored);
    for (const cifar_version* v : cifar_versions) {
        if (!any && kind != v->word) continue;
        if (is_file && place.filename() == v->train.front().name) return cifar(*v, place.parent_path());
        if (const auto found = cifar::find(*v, place)) return *found;
    }
    if ((any || kind == "images") && image_folder::present(place)) return image_folder(place, images);
    const std::string wanted = kind == "images"     ? "class directories with PNG or JPEG files"
                               : kind == "cifar100" ? "cifar100/train.bin (binary version) or cifar-100-python/train"
                               : kind == "cifar10"
                                   ? "cifar10/data_batch_1.bin (binary version) or cifar-10-batches-py/data_batch_1"
                                   : "cifar100/train.bin, another version of CIFAR, or class directories with images";
    return fail(
        errc::unavailable, any ? "no data set" : fmt::format("no data set of the kind {}", kind), place.string(),
        std::filesystem::exists(place, ignored) ? "nothing that is known" : "no such file or directory", wanted);
}

}  // namespace llmnas
