// SPDX-License-Identifier: MIT
/// \file
/// CIFAR-10 and CIFAR-100 as a data set, from binary files or from pickles. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/train/cifar_versions.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/file_check.hpp>
#include <llmnas/train/numpy_array.hpp>
#include <llmnas/train/pickle.hpp>

namespace llmnas {

namespace detail {

inline constexpr std::size_t cifar_image_bytes = 3072;
inline constexpr std::size_t cifar_test_images = 10'000;

/// Appends images and labels of one file; messages name the file and the record.
class cifar_reader {
public:
    cifar_reader(const cifar_version& version, std::filesystem::path folder)
        : version_(version), folder_(std::move(folder)) {}

    [[nodiscard]] result<void> append(const published_file& wanted, std::size_t images, image_set& to) {
        const auto file = read_checked(folder_, wanted);
        if (!file) return tl::unexpected(file.error());
        where_ = (folder_ / wanted.name).string();
        const std::size_t before = to.size();
        if (auto done = version_.pickled ? from_pickle(file->bytes, to) : from_records(file->bytes, to); !done)
            return done;
        if (!file->vouched && to.size() - before != images)
            return refuse("file of another number of images", fmt::format("{}", to.size() - before),
                          fmt::format("{}", images));
        return {};
    }

    /// Names of the classes, none where the file is missing.
    [[nodiscard]] result<std::vector<std::string>> names() {
        std::vector<std::string> names;
        std::error_code ignored;
        if (!std::filesystem::exists(folder_ / version_.names.name, ignored)) return names;
        const auto file = read_checked(folder_, version_.names);
        if (!file) return tl::unexpected(file.error());
        where_ = (folder_ / version_.names.name).string();
        if (version_.pickled) {
            const auto doc = pickle::read(file->bytes, where_, pickle::array_limits);
            if (!doc) return tl::unexpected(doc.error());
            const pickle::value* list = doc->find((*doc)[doc->root], version_.names_key);
            if (list == nullptr || list->kind != pickle::kind::list)
                return refuse("pickle without names of the classes", {},
                              fmt::format("a list '{}'", version_.names_key));
            for (const std::uint32_t i : list->items) names.emplace_back(pickle::text_of((*doc)[i]));
        } else {
            std::string_view text(reinterpret_cast<const char*>(file->bytes.data()), file->bytes.size());
            while (!text.empty()) {
                std::string_view line = text.substr(0, text.find('\n'));
                text.remove_prefix(std::min(text.size(), line.size() + 1));
                if (line.ends_with('\r')) line.remove_suffix(1);
                if (!line.empty()) names.emplace_back(line);
            }
        }
        if (names.size() != static_cast<std::size_t>(version_.classes))
            return refuse("wrong number of class names", fmt::format("{}", names.size()),
                          fmt::format("{}", version_.classes));
        return names;
    }

private:
    [[nodiscard]] tl::unexpected<error> refuse(std::string what, std::string got, std::string wanted) const {
        return fail(errc::bad_input, std::move(what), where_, std::move(got), std::move(wanted));
    }

    result<void> from_records(std::span<const std::uint8_t> bytes, image_set& to) const {
        const std::size_t record = version_.record_bytes();
        if (bytes.empty() || bytes.size() % record != 0)
            return refuse("file is truncated or damaged", fmt::format("{} bytes", bytes.size()),
                          fmt::format("records of {} bytes", record));
        for (std::size_t i = 0; i * record < bytes.size(); ++i) {
            const auto one = bytes.subspan(i * record, record);
            const auto labels = one.first(record - cifar_image_bytes);
            if (version_.coarse_classes > 0 && labels.front() >= version_.coarse_classes)
                return refuse(fmt::format("coarse label of record {} out of range", i),
                              fmt::format("{}", labels.front()), fmt::format("0..{}", version_.coarse_classes - 1));
            if (auto added = add_label(labels.back(), "record", i, to); !added) return added;
            const auto image = one.last(cifar_image_bytes);
            to.pixels.insert(to.pixels.end(), image.begin(), image.end());
        }
        return {};
    }

    result<void> from_pickle(std::span<const std::uint8_t> bytes, image_set& to) const {
        const auto doc = pickle::read(bytes, where_, pickle::array_limits);
        if (!doc) return tl::unexpected(doc.error());
        const pickle::value& root = (*doc)[doc->root];
        const pickle::value* data = doc->find(root, "data");
        const pickle::value* labels = doc->find(root, version_.label_key);
        if (data == nullptr || labels == nullptr || labels->kind != pickle::kind::list)
            return refuse("pickle without images or labels", {},
                          fmt::format("a dict with an array 'data' and a list '{}'", version_.label_key));
        const auto images = pickle::read_byte_matrix(*doc, *data, where_);
        if (!images) return tl::unexpected(images.error());
        if (images->columns != cifar_image_bytes)
            return refuse("images of another size", fmt::format("{} bytes", images->columns),
                          fmt::format("{}: 3 x 32 x 32", cifar_image_bytes));
        if (images->rows != labels->items.size())
            return refuse("images and labels differ in number", fmt::format("{} labels", labels->items.size()),
                          fmt::format("{}", images->rows));
        for (std::size_t i = 0; i < images->rows; ++i) {
            const pickle::value& label = (*doc)[labels->items[i]];
            if (label.kind != pickle::kind::integer)
                return refuse(fmt::format("label of image {} is no integer", i), {}, {});
            if (auto added = add_label(label.integer, "image", i, to); !added) return added;
        }
        const auto pixels = images->bytes();
        to.pixels.insert(to.pixels.end(), pixels.begin(), pixels.end());
        return {};
    }

    result<void> add_label(std::int64_t label, const char* place, std::size_t i, image_set& to) const {
        if (label < 0 || label >= version_.classes)
            return refuse(fmt::format("label of {} {} out of range", place, i), fmt::format("{}", label),
                          fmt::format("0..{}", version_.classes - 1));
        to.labels.push_back(static_cast<std::int32_t>(label));
        return {};
    }

    const cifar_version& version_;
    std::filesystem::path folder_;
    std::string where_;
};

}  // namespace detail

/// CIFAR-10 or CIFAR-100 with fine labels. A tenth of the training images is held out unless another number is asked
/// for: 5,000 of 50,000, the same number of each class.
class cifar {
public:
    /// The files of this version lie in the folder.
    cifar(const cifar_version& which, std::filesystem::path folder) : version_(&which), folder_(std::move(folder)) {}

    /// Looks for the first training file in `DIR/WORD` ("cifar100"), `DIR/FOLDER` (the archive's) and `DIR`; says
    /// nothing about what is in it.
    [[nodiscard]] static std::optional<cifar> find(const cifar_version& which, const std::filesystem::path& dir) {
        std::error_code ignored;
        for (const auto& folder : {dir / which.word, dir / which.archive_folder, dir})
            if (std::filesystem::is_regular_file(folder / which.train.front().name, ignored))
                return cifar(which, folder);
        return std::nullopt;
    }

    [[nodiscard]] std::string name() const { return std::string(version_->name); }
    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

    /// Errors as read_checked(), and bad_input for contents: the file, the record, what is there, what should be.
    [[nodiscard]] result<training_data> load(const holdout& h = {}) const {
        const auto set = read(version_->train, version_->images_per_file, "train");
        if (!set) return tl::unexpected(set.error());
        return hold_out(*set, h, set->size() / 10);
    }

    /// Errors as load().
    [[nodiscard]] result<test_split> load_test() const {
        auto set = read(std::span(&version_->test, 1), detail::cifar_test_images, "test");
        if (!set) return tl::unexpected(std::move(set.error()));
        return test_split(std::move(*set));
    }

private:
    [[nodiscard]] result<image_set> read(std::span<const published_file> files, std::size_t images,
                                         std::string_view split) const {
        image_set set;
        set.name = fmt::format("{} {}", version_->name, split);
        set.image = {3, 32, 32};
        set.classes = version_->classes;
        set.mean = version_->mean;
        set.deviation = version_->deviation;
        set.pixels.reserve(files.size() * images * detail::cifar_image_bytes);
        detail::cifar_reader reader(*version_, folder_);
        for (const published_file& f : files)
            if (auto added = reader.append(f, images, set); !added) return tl::unexpected(std::move(added.error()));
        auto names = reader.names();
        if (!names) return tl::unexpected(std::move(names.error()));
        set.class_names = std::move(*names);
        return set;
    }

    const cifar_version* version_;
    std::filesystem::path folder_;
};
static_assert(Dataset<cifar>);

}  // namespace llmnas
