// SPDX-License-Identifier: MIT
/// \file
/// An append-only file of JSON lines that several processes write, in the locking protocol of Optuna's journal storage.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <llmnas/json/json_value.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/search/journal_lock.hpp>

namespace llmnas {

/// Appends whole records, each synced to disk, and reads what other processes appended since: a reader keeps its place
/// in the file. Not for several threads at once.
class journal_file {
public:
    using record = json_value;

    [[nodiscard]] static result<journal_file> open(const std::filesystem::path& path) {
        return open(path, O_RDWR | O_CREAT | O_APPEND);
    }
    /// A journal that exists, for read() alone.
    [[nodiscard]] static result<journal_file> open_to_read(const std::filesystem::path& path) {
        return open(path, O_RDONLY);
    }

    journal_file(journal_file&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          path_(std::move(other.path_)),
          lock_(std::move(other.lock_)),
          offset_(other.offset_),
          line_(other.line_),
          notice_(std::move(other.notice_)) {}
    journal_file& operator=(journal_file&&) = delete;
    ~journal_file() {
        if (fd_ >= 0) ::close(fd_);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// What was repaired, or empty.
    [[nodiscard]] const std::string& notice() const { return notice_; }
    [[nodiscard]] const lock_waits& waits() const { return lock_.waits(); }

    /// Hands every complete record not seen yet to `apply`. An unfinished last line is left for later.
    [[nodiscard]] result<void> read(const std::function<result<void>(const record&)>& apply) {
        std::string pending;
        std::vector<char> buffer(std::size_t{1} << 18U);
        std::uint64_t at = offset_;
        while (true) {
            const ssize_t n = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(at));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return fail(errc::io, "cannot read the study's journal", path_.string(), std::strerror(errno));
            if (n == 0) return {};
            at += static_cast<std::uint64_t>(n);
            pending.append(buffer.data(), static_cast<std::size_t>(n));
            std::size_t begin = 0;
            for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
                const std::string_view text = std::string_view(pending).substr(begin, end - begin);
                const auto where = [&] { return fmt::format("{}, line {}", path_.string(), line_ + 1); };
                auto parsed = record::parse(text, nullptr, false);
                if (parsed.is_discarded() || !parsed.is_object())
                    return fail(errc::bad_input, "line is not a JSON object", where(), fmt::format("{:.40}", text));
                if (auto applied = apply(parsed); !applied) {
                    error e = applied.error();
                    e.where = where() + (e.where.empty() ? "" : ", ") + e.where;
                    return tl::unexpected<error>(std::move(e));
                }
                ++line_;
                offset_ += text.size() + 1;
                begin = end + 1;
            }
            pending.erase(0, begin);
        }
    }

    /// Under the lock: reads to the end, cuts off a torn last line, asks `make` for records and appends them as one
    /// synced write; they are handed to `apply` like any others. Nothing stays behind where the disk is full. `make` is
    /// asked again where another process has taken the lock from this one meanwhile.
    [[nodiscard]] result<void> append(const std::function<result<void>(const record&)>& apply,
                                      const std::function<result<std::vector<record>>()>& make) {
        for (int attempt = 0; attempt < 5; ++attempt) {
            if (auto locked = lock_.acquire(fd_); !locked) return locked;
            struct unlocker {
                journal_file& file;
                ~unlocker() { file.lock_.release(file.fd_); }
            } const release{*this};
            if (!lock_.taken_from().empty())
                notice_ = fmt::format("took over the journal's lock of {}", lock_.taken_from());
            const auto done = append_locked(apply, make);
            if (!done) return tl::unexpected<error>(done.error());
            if (*done) return {};
        }
        return fail(errc::io, "the journal's lock was lost again and again", path_.string());
    }

private:
    [[nodiscard]] static result<journal_file> open(const std::filesystem::path& path, int flags) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
        if (fd < 0) return fail(errc::io, "cannot open the study's journal", path.string(), std::strerror(errno));
        return journal_file(fd, path);
    }

    journal_file(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

    /// False where the lock was lost before anything was written.
    [[nodiscard]] result<bool> append_locked(const std::function<result<void>(const record&)>& apply,
                                             const std::function<result<std::vector<record>>()>& make) {
        // Over NFS an open() is what makes appends of other hosts visible.
        if (const int fresh = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC); fresh >= 0) ::close(fresh);
        if (auto seen = read(apply); !seen) return tl::unexpected<error>(seen.error());
        struct stat status {
        }, there{};
        if (::fstat(fd_, &status) != 0)
            return fail(errc::io, "cannot stat the study's journal", path_.string(), std::strerror(errno));
        if (::stat(path_.c_str(), &there) != 0 || there.st_ino != status.st_ino || there.st_dev != status.st_dev)
            return fail(errc::io, "the study's journal was deleted or replaced while it was open", path_.string());
        if (static_cast<std::uint64_t>(status.st_size) < offset_)
            return fail(errc::io, "the study's journal was cut while it was open", path_.string(),
                        fmt::format("{} bytes", status.st_size), fmt::format("at least {}", offset_));
        if (static_cast<std::uint64_t>(status.st_size) > offset_) {
            notice_ = fmt::format("cut off a torn record of {} bytes behind line {} of the journal",
                                  static_cast<std::uint64_t>(status.st_size) - offset_, line_);
            if (::ftruncate(fd_, static_cast<off_t>(offset_)) != 0)
                return fail(errc::io, "cannot repair the study's journal", path_.string(), std::strerror(errno));
        }
        auto records = make();
        if (!records) return tl::unexpected<error>(records.error());
        if (records->empty()) return true;
        std::string text;
        for (const record& r : *records) text += r.dump(-1, ' ', false, json_value::error_handler_t::replace) + "\n";
        if (!lock_.is_held()) return false;
        for (std::size_t written = 0; written < text.size();) {
            const ssize_t n = ::write(fd_, text.data() + written, text.size() - written);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                const int reason = errno;
                static_cast<void>(::ftruncate(fd_, static_cast<off_t>(offset_)));
                return fail(errc::io, "cannot write to the study's journal", path_.string(), std::strerror(reason));
            }
            written += static_cast<std::size_t>(n);
        }
        if (::fsync(fd_) != 0)
            return fail(errc::io, "cannot sync the study's journal", path_.string(), std::strerror(errno));
        if (auto seen = read(apply); !seen) return tl::unexpected<error>(seen.error());
        return true;
    }

    int fd_;
    std::filesystem::path path_;
    journal_lock lock_{path_};
    std::uint64_t offset_ = 0;  ///< behind the last record that was applied
    std::uint64_t line_ = 0;
    std::string notice_;
};

}  // namespace llmnas
