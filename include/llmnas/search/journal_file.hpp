// SPDX-License-Identifier: MIT
/// \file
/// An append-only file of JSON lines that several processes write, in the locking protocol of Optuna's journal storage.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <llmnas/json/json_value.hpp>

#include <llmnas/core/result.hpp>

namespace llmnas {

/// `host:pid` of this process: owner of the journal's lock.
[[nodiscard]] inline std::string this_worker() {
    char host[256] = "localhost";
    static_cast<void>(::gethostname(host, sizeof host - 1));
    return fmt::format("{}:{}", host, ::getpid());
}

/// Whether the process that `this_worker()` named is known to have ended: it ran on this host and is gone.
[[nodiscard]] inline bool worker_is_gone(std::string_view worker) {
    const auto colon = worker.rfind(':');
    if (colon == std::string_view::npos) return false;
    const std::string self = this_worker();
    if (worker.substr(0, colon) != std::string_view(self).substr(0, self.rfind(':'))) return false;
    const long pid = std::strtol(std::string(worker.substr(colon + 1)).c_str(), nullptr, 10);
    return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

/// Appends whole records, each synced to disk, and reads what other processes appended.
///
/// Two locks are taken: flock() on the file, which the kernel releases when its owner dies, and behind it the symbolic
/// link `FILE.lock` that Optuna waits for. A link left behind by a dead process is removed: only a holder of the first
/// lock gets that far, so no two processes remove it at once.
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
                ++line_;
                auto parsed = record::parse(text, nullptr, false);
                if (parsed.is_discarded() || !parsed.is_object())
                    return fail(errc::bad_input, "line is not a JSON object",
                                fmt::format("{}, line {}", path_.string(), line_), fmt::format("{:.40}", text));
                if (auto applied = apply(parsed); !applied) {
                    error e = applied.error();
                    e.where =
                        fmt::format("{}, line {}{}{}", path_.string(), line_, e.where.empty() ? "" : ", ", e.where);
                    return tl::unexpected<error>(std::move(e));
                }
                offset_ += text.size() + 1;
                begin = end + 1;
            }
            pending.erase(0, begin);
        }
    }

    /// Under the lock: reads to the end, cuts off a torn last line, asks `make` for records and appends them as one
    /// synced write; they are handed to `apply` like any others. Nothing stays behind where the disk is full.
    [[nodiscard]] result<void> append(const std::function<result<void>(const record&)>& apply,
                                      const std::function<result<std::vector<record>>()>& make) {
        if (auto locked = lock(); !locked) return locked;
        struct unlocker {
            journal_file& file;
            ~unlocker() { file.unlock(); }
        } const release{*this};
        return append_locked(apply, make);
    }

private:
    [[nodiscard]] static result<journal_file> open(const std::filesystem::path& path, int flags) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
        if (fd < 0) return fail(errc::io, "cannot open the study's journal", path.string(), std::strerror(errno));
        return journal_file(fd, path);
    }

    journal_file(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

    [[nodiscard]] std::string link_path() const { return path_.string() + ".lock"; }

    [[nodiscard]] result<void> lock() {
        using clock = std::chrono::steady_clock;
        while (::flock(fd_, LOCK_EX) != 0)
            if (errno != EINTR)
                return fail(errc::io, "cannot lock the study's journal", path_.string(), std::strerror(errno));
        auto pause = std::chrono::milliseconds(1);
        const auto since = clock::now();
        while (::symlink(this_worker().c_str(), link_path().c_str()) != 0) {
            if (errno != EEXIST) {
                const int reason = errno;
                ::flock(fd_, LOCK_UN);
                return fail(errc::io, "cannot create the journal's lock", link_path(), std::strerror(reason));
            }
            char owner[512];
            const ssize_t n = ::readlink(link_path().c_str(), owner, sizeof owner);
            const std::string_view text(owner, n > 0 ? static_cast<std::size_t>(n) : 0);
            // An owner elsewhere, or Optuna, holds the lock for one append only: nobody needs it for a minute.
            if (worker_is_gone(text) || clock::now() - since > std::chrono::seconds(60)) {
                ::unlink(link_path().c_str());
                notice_ = fmt::format("took over the journal's lock of {}", text);
                continue;
            }
            std::this_thread::sleep_for(pause);
            pause = std::min(pause * 2, std::chrono::milliseconds(200));
        }
        return {};
    }

    void unlock() {
        ::unlink(link_path().c_str());
        ::flock(fd_, LOCK_UN);
    }

    [[nodiscard]] result<void> append_locked(const std::function<result<void>(const record&)>& apply,
                                             const std::function<result<std::vector<record>>()>& make) {
        if (auto seen = read(apply); !seen) return seen;
        struct stat status {};
        if (::fstat(fd_, &status) != 0)
            return fail(errc::io, "cannot stat the study's journal", path_.string(), std::strerror(errno));
        if (static_cast<std::uint64_t>(status.st_size) > offset_) {
            notice_ = fmt::format("cut off a torn record of {} bytes behind line {} of the journal",
                                  static_cast<std::uint64_t>(status.st_size) - offset_, line_);
            if (::ftruncate(fd_, static_cast<off_t>(offset_)) != 0)
                return fail(errc::io, "cannot repair the study's journal", path_.string(), std::strerror(errno));
        }
        auto records = make();
        if (!records) return tl::unexpected<error>(records.error());
        std::string text;
        for (const record& r : *records) text += r.dump(-1, ' ', false, json_value::error_handler_t::replace) + "\n";
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
        return read(apply);
    }

    int fd_;
    std::filesystem::path path_;
    std::uint64_t offset_ = 0;  ///< behind the last record that was applied
    std::uint64_t line_ = 0;
    std::string notice_;
};

}  // namespace llmnas
