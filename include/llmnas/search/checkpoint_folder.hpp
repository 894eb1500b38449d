// SPDX-License-Identifier: MIT
/// \file
/// Where the checkpoints of trials lie.
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
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

    /// Gives a trial the checkpoint of another one, unless it has one of its own.
    void hand_over(std::int32_t from, std::int32_t to) const {
        std::error_code ec;
        if (directory_.empty() || std::filesystem::exists(file_of(to), ec)) return;
        std::filesystem::rename(file_of(from), file_of(to), ec);
    }

    /// Removes what trials left that have ended: a worker that was killed could not do so.
    template <class HasEnded>
    void forget_all(const HasEnded& has_ended) const {
        std::error_code ec;
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(directory_, ec)) {
            const std::string file = entry.path().filename().string();
            std::int32_t number = 0;
            if (!file.starts_with(prefix)) continue;
            const auto read = std::from_chars(file.data() + prefix.size(), file.data() + file.size(), number);
            if (read.ec == std::errc{} && has_ended(number)) found.push_back(entry.path());
        }
        for (const auto& path : found) std::filesystem::remove(path, ec);
    }

private:
    static constexpr std::string_view prefix = "trial_";

    [[nodiscard]] std::filesystem::path file_of(std::int32_t number) const {
        return directory_ / fmt::format("{}{}.ckpt", prefix, number);
    }

    std::filesystem::path directory_;
};

}  // namespace llmnas
