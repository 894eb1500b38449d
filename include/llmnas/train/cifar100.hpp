// SPDX-License-Identifier: MIT
/// \file
/// CIFAR-100 in its official binary version (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
/// 2009).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/train/dataset.hpp>

namespace llmnas {

namespace cifar100 {

inline constexpr std::size_t record_bytes = 3074;  ///< coarse label, fine label, 3 x 32 x 32 planar
inline constexpr std::size_t train_images = 50'000;
inline constexpr std::size_t test_images = 10'000;
inline constexpr std::size_t default_validation = 5'000;

/// `DIR/cifar100/NAME`, else `DIR/cifar-100-binary/NAME` (the official archive's folder), else `DIR/NAME`.
[[nodiscard]] inline std::filesystem::path find(const std::filesystem::path& dir, const std::string& name) {
    std::error_code ignored;
    for (const char* folder : {"cifar100", "cifar-100-binary"})
        if (auto path = dir / folder / name; std::filesystem::exists(path, ignored)) return path;
    return dir / name;
}

/// Whether the training file is there; says nothing about what is in it.
[[nodiscard]] inline bool present(const std::filesystem::path& dir) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(find(dir, "train.bin"), ignored);
}

/// Reads records into an image set with the fine labels. Errors: unavailable (no such file), io (cannot be read),
/// bad_input (size not `images` records: expected and found bytes; label out of range: the record).
/// `images` = 0 accepts any whole number of records of at least one.
[[nodiscard]] inline result<image_set> read_file(const std::filesystem::path& path, std::size_t images) {
    std::error_code status;
    if (!std::filesystem::is_regular_file(path, status))
        return fail(errc::unavailable, "no such file", path.string(), {},
                    "a CIFAR-100 file of the official binary version");
    const std::uintmax_t found = std::filesystem::file_size(path, status);
    if (status) return fail(errc::io, "cannot read: " + status.message(), path.string());
    const std::size_t count = images != 0 ? images : static_cast<std::size_t>(found / record_bytes);
    if (count == 0 || found != std::uintmax_t{count} * record_bytes)
        return fail(
            errc::bad_input,
            found % record_bytes != 0 ? "CIFAR-100 file is truncated or damaged" : "CIFAR-100 file of another size",
            path.string(), fmt::format("{} bytes", found),
            images != 0 ? fmt::format("{} bytes: {} records of {}", images * record_bytes, images, record_bytes)
                        : fmt::format("records of {} bytes", record_bytes));
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(errc::io, "cannot open", path.string());

    image_set set;
    set.name = "CIFAR-100";
    set.classes = 100;
    set.mean = {0.5071F, 0.4865F, 0.4409F};
    set.deviation = {0.2673F, 0.2564F, 0.2762F};
    set.pixels.resize(count * (record_bytes - 2));
    set.labels.resize(count);
    std::vector<char> record(record_bytes);
    for (std::size_t i = 0; i < count; ++i) {
        if (!in.read(record.data(), static_cast<std::streamsize>(record_bytes)))
            return fail(errc::io, fmt::format("read stopped in record {}", i), path.string());
        const auto coarse = static_cast<unsigned char>(record[0]);
        const auto fine = static_cast<unsigned char>(record[1]);
        if (coarse > 19 || fine > 99)
            return fail(errc::bad_input, fmt::format("label of record {} out of range", i), path.string(),
                        fmt::format("coarse {}, fine {}", coarse, fine), "coarse 0..19, fine 0..99");
        set.labels[i] = fine;
        std::transform(record.begin() + 2, record.end(),
                       set.pixels.begin() + static_cast<std::ptrdiff_t>(i * (record_bytes - 2)),
                       [](char c) { return static_cast<std::uint8_t>(c); });
    }
    return set;
}

/// The training file, split into training and validation images (default 45,000 and 5,000, 50 a class). `dir` is the
/// data directory (with the folder cifar100 in it) or the folder itself. Errors as read_file().
[[nodiscard]] inline result<training_data> load(const std::filesystem::path& dir,
                                                std::size_t validation = default_validation,
                                                std::uint64_t split_seed = 0) {
    auto set = read_file(find(dir, "train.bin"), train_images);
    if (!set) return tl::unexpected(std::move(set.error()));
    set->name = "CIFAR-100 train";
    return hold_out(*set, validation, split_seed);
}

/// The test split. For the one evaluation behind a finished search or training: nothing that chooses between networks
/// may call it. Errors as read_file().
[[nodiscard]] inline result<image_set> load_test_for_final_report(const std::filesystem::path& dir) {
    auto set = read_file(find(dir, "test.bin"), test_images);
    if (set) set->name = "CIFAR-100 test";
    return set;
}

}  // namespace cifar100

}  // namespace llmnas
