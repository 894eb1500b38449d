// SPDX-License-Identifier: MIT
/// \file
/// Reading and writing text files, with errors that name the file.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <llmnas/core/atomic_file.hpp>
#include <llmnas/core/result.hpp>

namespace llmnas {

/// Whole file as text, at most `limit` bytes.
[[nodiscard]] inline result<std::string> read_text_file(const std::filesystem::path& path,
                                                        std::uintmax_t limit = 64U << 20U) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) return fail(errc::io, "no such file", path.string());
    if (std::filesystem::is_directory(path, ec)) return fail(errc::io, "is a directory, not a file", path.string());
    const auto size = std::filesystem::file_size(path, ec);
    if (!ec && size > limit)
        return fail(errc::io, "file too large", path.string(), fmt::format("{} bytes", size),
                    fmt::format("at most {}", limit));
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(errc::io, "cannot open file", path.string(), std::strerror(errno));
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in.bad()) return fail(errc::io, "cannot read file", path.string());
    return text;
}

/// Replaces the file as a whole, so that a reader never sees half of it.
[[nodiscard]] inline result<void> write_text_file(const std::filesystem::path& path, std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return write_atomically(path, std::span(&bytes, 1));
}

}  // namespace llmnas
