// SPDX-License-Identifier: MIT
/// \file
/// A folder of images as a data set: a directory a class, PNG and JPEG. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/train/dataset.hpp>
#include <llmnas/train/file_check.hpp>
#include <llmnas/train/image_file.hpp>
#include <llmnas/train/resize.hpp>

namespace llmnas {

struct image_folder_options {
    std::int32_t size = 160;                            ///< height and width that images are kept at, pixels
    std::array<float, 3> mean{0.485F, 0.456F, 0.406F};  ///< of photographs (ImageNet)
    std::array<float, 3> deviation{0.229F, 0.224F, 0.225F};
    std::uint64_t max_bytes = std::uint64_t{4} << 30;  ///< of all pixels together
};

namespace detail {

/// Files of one split with their labels, in the order of class and file names.
struct image_listing {
    std::vector<std::string> classes;
    std::vector<std::filesystem::path> files;
    std::vector<std::int32_t> labels;
};

inline bool named_as_image(const std::filesystem::path& file) {
    std::string end = file.extension().string();
    std::transform(end.begin(), end.end(), end.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return end == ".png" || end == ".jpg" || end == ".jpeg";
}

/// Entries of a directory sorted by name, without hidden ones.
inline result<std::vector<std::filesystem::directory_entry>> entries_of(const std::filesystem::path& dir) {
    std::vector<std::filesystem::directory_entry> entries;
    std::error_code status;
    auto at = std::filesystem::directory_iterator(dir, status);
    for (; !status && at != std::filesystem::directory_iterator(); at.increment(status))
        if (!at->path().filename().string().starts_with('.')) entries.push_back(*at);
    if (status) return fail(errc::io, "cannot list: " + status.message(), dir.string());
    std::sort(entries.begin(), entries.end());
    return entries;
}

/// `DIR/CLASS/IMAGE`. bad_input for a class without images, another file in the place of one, fewer than two classes.
inline result<image_listing> list_images(const std::filesystem::path& dir) {
    image_listing list;
    const auto classes = entries_of(dir);
    if (!classes) return tl::unexpected(classes.error());
    std::error_code status;
    for (const auto& c : *classes) {
        if (!c.is_directory(status)) continue;
        const auto files = entries_of(c.path());
        if (!files) return tl::unexpected(files.error());
        if (files->empty())
            return fail(errc::bad_input, "class directory without images", c.path().string(), "an empty directory",
                        "PNG or JPEG files");
        for (const auto& f : *files) {
            if (!f.is_regular_file(status) || !named_as_image(f.path()))
                return fail(errc::bad_input, "no image", f.path().string(),
                            f.is_directory(status) ? "a directory" : "a file of another name",
                            "only *.png, *.jpg and *.jpeg in a class directory");
            list.files.push_back(f.path());
            list.labels.push_back(static_cast<std::int32_t>(list.classes.size()));
        }
        list.classes.push_back(c.path().filename().string());
    }
    if (list.classes.size() < 2)
        return fail(errc::bad_input, "no directories of classes", dir.string(), fmt::format("{}", list.classes.size()),
                    "at least 2 directories with images");
    return list;
}

/// Calls f(i) -> result<void> for 0 .. n - 1 on all cores; gives the failure with the lowest i.
template <class F>
result<void> for_each_image(std::size_t n, const F& f) {
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> failed = n;
    std::vector<std::optional<error>> errors(n);
    const auto work = [&] {
        for (std::size_t i = next++; i < n && i < failed; i = next++)
            if (auto done = f(i); !done) {
                errors[i] = std::move(done.error());
                std::size_t first = failed;
                while (i < first && !failed.compare_exchange_weak(first, i)) {
                }
            }
    };
    {
        const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
        std::vector<std::jthread> threads;
        for (std::size_t t = 1; t < std::min(cores, n); ++t) threads.emplace_back(work);
        work();
    }
    if (failed < n) return tl::unexpected(std::move(*errors[failed]));
    return {};
}

}  // namespace detail

/// `DIR/train/CLASS/IMAGE` with the test split in `DIR/test/CLASS/IMAGE` and, where it exists, validation images in
/// `DIR/val`; or `DIR/CLASS/IMAGE` without a test split. Classes are numbered by name. Images are kept at one size: at
/// their own where all of the split have it and it is not above the option's; else they are resized (train/resize.hpp,
/// as PIL does) to a square of the option's size, whatever their proportions. Without `DIR/val` a tenth is held out.
/// Grey images become RGB, opacity is left out, EXIF orientation is not applied, 16 bits become 8.
class image_folder {
public:
    explicit image_folder(std::filesystem::path dir, image_folder_options options = {})
        : dir_(std::move(dir)), options_(options) {}

    /// Whether a directory (of a class) in DIR or DIR/train holds a file with the name of an image.
    [[nodiscard]] static bool present(const std::filesystem::path& dir) {
        for (const auto& root : {dir / "train", dir}) {
            const auto classes = detail::entries_of(root);
            for (const auto& c : classes ? *classes : std::vector<std::filesystem::directory_entry>{}) {
                std::error_code ignored;
                if (!c.is_directory(ignored)) continue;
                const auto files = detail::entries_of(c.path());
                if (files && std::any_of(files->begin(), files->end(),
                                         [](const auto& f) { return detail::named_as_image(f.path()); }))
                    return true;
            }
        }
        return false;
    }

    [[nodiscard]] std::string name() const {
        std::error_code ignored;
        const auto whole = std::filesystem::absolute(dir_ / "", ignored).lexically_normal();
        return fmt::format("images in {}", whole.parent_path().filename().string());
    }

    /// Errors: unavailable, io, and bad_input with the file and what is wrong with it.
    [[nodiscard]] result<training_data> load(const holdout& h = {}) const {
        const auto list = detail::list_images(training_folder());
        if (!list) return tl::unexpected(list.error());
        auto train = read(*list, "train", {});
        if (!train) return tl::unexpected(std::move(train.error()));
        if (!is_directory(dir_ / "val")) return hold_out(*train, h, std::max<std::size_t>(1, train->size() / 10));
        if (h.images != 0)
            return fail(errc::bad_input, "validation images are given as a folder of their own",
                        (dir_ / "val").string(), fmt::format("{} images to hold out", h.images), "0");
        auto validation = read_split("val", list->classes, train->image);
        if (!validation) return tl::unexpected(std::move(validation.error()));
        return training_data{std::move(*train), std::move(*validation)};
    }

    /// Errors as load(); unavailable where the folder has no test split.
    [[nodiscard]] result<test_split> load_test() const {
        if (!is_directory(dir_ / "train") || !is_directory(dir_ / "test"))
            return fail(errc::unavailable, "no test split", dir_.string(), {}, "directories train and test");
        const auto list = detail::list_images(training_folder());
        if (!list) return tl::unexpected(list.error());
        const auto size = common_size(*list);
        if (!size) return tl::unexpected(size.error());
        auto set = read_split("test", list->classes, *size);
        if (!set) return tl::unexpected(std::move(set.error()));
        return test_split(std::move(*set));
    }

private:
    [[nodiscard]] static bool is_directory(const std::filesystem::path& path) {
        std::error_code ignored;
        return std::filesystem::is_directory(path, ignored);
    }
    [[nodiscard]] std::filesystem::path training_folder() const {
        return is_directory(dir_ / "train") ? dir_ / "train" : dir_;
    }

    /// Another split than the training images': of the same classes, at their size.
    [[nodiscard]] result<image_set> read_split(const char* folder, const std::vector<std::string>& classes,
                                               const shape& size) const {
        const auto list = detail::list_images(dir_ / folder);
        if (!list) return tl::unexpected(list.error());
        const auto [theirs, ours] =
            std::mismatch(list->classes.begin(), list->classes.end(), classes.begin(), classes.end());
        if (theirs != list->classes.end() || ours != classes.end())
            return fail(errc::bad_input, "classes differ from those of the training images", (dir_ / folder).string(),
                        theirs != list->classes.end() ? *theirs : fmt::format("{} classes", list->classes.size()),
                        ours != classes.end() ? *ours : fmt::format("{} classes", classes.size()));
        return read(*list, folder, size);
    }

    [[nodiscard]] static result<std::vector<std::uint8_t>> bytes_of(const std::filesystem::path& file) {
        auto read = read_checked(file.parent_path(), {file.filename().native()});
        if (!read) return tl::unexpected(std::move(read.error()));
        return std::move(read->bytes);
    }

    /// The size that all images have, where that is not above the option's; else the square of the option's.
    [[nodiscard]] result<shape> common_size(const detail::image_listing& list) const {
        std::vector<shape> sizes(list.files.size());
        auto done = detail::for_each_image(list.files.size(), [&](std::size_t i) -> result<void> {
            const auto bytes = bytes_of(list.files[i]);
            if (!bytes) return tl::unexpected(bytes.error());
            const auto size = image_size(*bytes, list.files[i].string());
            if (!size) return tl::unexpected(size.error());
            sizes[i] = *size;
            return {};
        });
        if (!done) return tl::unexpected(std::move(done.error()));
        const shape& first = sizes.front();
        const bool one = std::all_of(sizes.begin(), sizes.end(), [&](const shape& s) { return s == first; });
        if (one && first.height <= options_.size && first.width <= options_.size) return first;
        return shape{3, options_.size, options_.size};
    }

    /// Without a size: the common one.
    [[nodiscard]] result<image_set> read(const detail::image_listing& list, const char* split,
                                         std::optional<shape> size) const {
        if (!size) {
            auto common = common_size(list);
            if (!common) return tl::unexpected(std::move(common.error()));
            size = *common;
        }
        image_set set;
        set.name = fmt::format("{} {}, {}x{}", name(), split, size->height, size->width);
        set.image = *size;
        set.classes = static_cast<std::int32_t>(list.classes.size());
        set.class_names = list.classes;
        set.labels = list.labels;
        set.mean = options_.mean;
        set.deviation = options_.deviation;
        if (set.size() > options_.max_bytes / set.image_bytes())
            return fail(errc::bad_input, "images do not fit into memory", dir_.string(),
                        fmt::format("{} images of {} bytes", set.size(), set.image_bytes()),
                        fmt::format("at most {} bytes; keep them at a smaller size", options_.max_bytes));
        set.pixels.resize(set.size() * set.image_bytes());
        auto done = detail::for_each_image(set.size(), [&](std::size_t i) -> result<void> {
            const std::string where = list.files[i].string();
            const auto bytes = bytes_of(list.files[i]);
            if (!bytes) return tl::unexpected(bytes.error());
            const auto own = image_size(*bytes, where);
            if (!own) return tl::unexpected(own.error());
            const auto pixels = decode_image(*bytes, where);
            if (!pixels) return tl::unexpected(pixels.error());
            working_image image;
            image.load(*pixels, *own);
            bilinear_resize(own->height, own->width, size->height, size->width)(image);
            std::copy_n(image.pixels(), set.image_bytes(),
                        set.pixels.begin() + static_cast<std::ptrdiff_t>(i * set.image_bytes()));
            return {};
        });
        if (!done) return tl::unexpected(std::move(done.error()));
        return set;
    }

    std::filesystem::path dir_;
    image_folder_options options_;
};
static_assert(Dataset<image_folder>);

}  // namespace llmnas
