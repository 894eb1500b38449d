// SPDX-License-Identifier: MIT
/// \file
/// Where the checkpoints of trials lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace llmnas {

/// One checkpoint a trial in a directory; none at all where the directory has no name.
class checkpoint_folder {
public:
    explicit checkpoint_folder(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// The file of a trial, in a directory that exists where it can be made; empty for none.
    [[nodiscard]] std::filesystem::path prepare(std::int32_t number) const {
        if (directory_.empty()) return {};
        std::error_code ec;
        std::filesystem::create_directories(directory_, ec);
        return file_of(number);
    }

    /// A new trial must not continue what lies there from another study; a finished one needs it no more. With it goes
    /// what a killed process left half written (core/atomic_file.hpp).
    void forget(std::int32_t number) const {
        if (directory_.empty()) return;
        std::error_code ec;
        const std::string name = file_of(number).filename().string();
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(directory_, ec)) {
            const std::string file = entry.path().filename().string();
            if (file == name || file.starts_with(name + ".")) found.push_back(entry.path());
        }
        for (const auto& path : found) std::filesystem::remove(path, ec);
    }

private:
    [[nodiscard]] std::filesystem::path file_of(std::int32_t number) const {
        return directory_ / fmt::format("trial_{}.ckpt", number);
    }

    std::filesystem::path directory_;
};

}  // namespace llmnas
