// SPDX-License-Identifier: MIT
/// \file
/// Where tests find data and may write.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace llmnas::test {

/// $LLMNAS_DATA_DIR, by default ./data (ctest runs the tests in the root of the repository).
inline std::filesystem::path data_dir() {
    const char* dir = std::getenv("LLMNAS_DATA_DIR");
    return dir != nullptr && *dir != '\0' ? dir : "data";
}

/// A file or folder of the data directory, or nothing where it is missing: `data_file("cifar100/test.bin")`.
inline std::optional<std::filesystem::path> data_file(std::string_view name) {
    auto path = data_dir() / name;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::nullopt;
    return path;
}

/// An empty folder of this test's own (tests run in parallel), removed at the end of the scope.
class temporary_directory {
public:
    temporary_directory() {
        static std::atomic<int> count = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("llmnas-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
        std::filesystem::create_directories(path_);
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace llmnas::test
