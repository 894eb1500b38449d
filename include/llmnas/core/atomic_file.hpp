// SPDX-License-Identifier: MIT
/// \file
/// Files that are whole or absent: written beside their place, synchronised, then renamed.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include <llmnas/core/result.hpp>

namespace llmnas {

/// Replaces the file by the pieces one behind the other. After a crash at any moment the path holds the old content or
/// the new one. io where the directory cannot be written or is full; the old file is then untouched.
[[nodiscard]] inline result<void> write_atomically(const std::filesystem::path& path,
                                                   std::span<const std::span<const std::byte>> pieces) {
    // The process id keeps two writers of one path apart; the last rename wins.
    const std::string temporary = path.string() + "." + std::to_string(::getpid()) + ".tmp";
    const auto failed = [&](const char* step, int reason) {
        return fail(errc::io, std::string("cannot ") + step + ": " + std::strerror(reason), path.string());
    };
    const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return failed("write", errno);
    const auto abandon = [&](const char* step) {
        const int reason = errno;
        ::close(file);
        std::remove(temporary.c_str());
        return failed(step, reason);
    };
    for (std::span<const std::byte> rest : pieces)
        while (!rest.empty()) {
            const ssize_t written = ::write(file, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return abandon("write");
            rest = rest.subspan(static_cast<std::size_t>(written));
        }
    if (::fsync(file) != 0) return abandon("synchronise");
    if (::close(file) != 0) {
        const int reason = errno;
        std::remove(temporary.c_str());
        return failed("close", reason);
    }
    if (std::rename(temporary.c_str(), path.c_str()) != 0) {
        const int reason = errno;
        std::remove(temporary.c_str());
        return failed("rename", reason);
    }
    // The rename itself survives a power cut only once the directory is on disk; some file systems refuse the call.
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    if (const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
        static_cast<void>(::fsync(directory));
        ::close(directory);
    }
    return {};
}

}  // namespace llmnas
