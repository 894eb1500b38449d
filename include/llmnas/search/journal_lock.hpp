// SPDX-License-Identifier: MIT
/// \file
/// The lock of a journal that several hosts write: flock(), and the symbolic link that Optuna's journal storage waits
/// for.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/search/process_name.hpp>

namespace llmnas {

/// How long a process waited for a lock.
struct lock_waits {
    std::uint64_t count = 0;       ///< times that it was taken
    std::uint64_t taken_over = 0;  ///< links that dead processes had left
    double seconds = 0;            ///< waited in all
    double longest = 0;            ///< seconds of one time
};

/// Exclusion between the processes that append to a journal.
///
/// flock() comes first: the kernel releases it when its owner dies. Behind it stands the link `JOURNAL.lock`, which
/// Optuna takes, and which excludes hosts where flock() does not reach (NFS mounted with `nolock` or `local_lock`);
/// where the file system has no flock() at all the link is the lock. It names its owner (host, process, start of the
/// process, count). One left by a dead process of this host is taken over at once, any other when its text has not
/// changed for `stale_after` by this process's own steady clock: no clock of another host, and no jump of one, matters.
class journal_lock {
public:
    using clock = std::chrono::steady_clock;

    explicit journal_lock(const std::filesystem::path& journal,
                          std::chrono::milliseconds stale_after = std::chrono::seconds(60))
        : link_(journal.string() + ".lock"), stale_after_(stale_after) {}

    /// Waits until the lock is this process's. `fd`: the open journal. io where the lock cannot be made or taken over.
    [[nodiscard]] result<void> acquire(int fd) {
        // Unique: an answer to a symlink() that NFS sent twice is told from another process's link.
        static std::atomic<std::uint64_t> count = 0;
        mine_ = fmt::format("{}:{}", this_process(), ++count);
        const auto begin = clock::now();
        auto seen_since = begin;
        std::string seen;
        std::chrono::microseconds pause{500};
        while (true) {
            const bool stuck = clock::now() - seen_since > stale_after_;
            if (!flocked_ && !take_flock(fd, stuck))
                return fail(errc::io, "cannot lock the study's journal", link_, std::strerror(errno));
            if (flocked_ || stuck) {
                if (::symlink(mine_.c_str(), link_.c_str()) == 0) break;
                if (errno != EEXIST) return give_up(fd, "cannot create the journal's lock");
            }
            std::string owner = owner_of(link_);
            if (owner == mine_) break;
            if (!owner.empty() && (stuck || (flocked_ && process_is_gone(process_of(owner))))) {
                if (!take_over(owner)) return give_up(fd, "cannot take over the journal's lock");
                continue;
            }
            std::string now_seen = identity_of(owner);
            if (now_seen != std::exchange(seen, now_seen)) seen_since = clock::now();
            std::this_thread::sleep_for(pause);
            pause = std::min<std::chrono::microseconds>(pause * 2, std::chrono::milliseconds(20));
        }
        const double waited = std::chrono::duration<double>(clock::now() - begin).count();
        ++waits_.count;
        waits_.seconds += waited;
        waits_.longest = std::max(waits_.longest, waited);
        return {};
    }

    /// Whether the lock still is this process's: another one may have taken it over while this one was stopped.
    [[nodiscard]] bool is_held() const { return owner_of(link_) == mine_; }

    void release(int fd) {
        if (is_held()) ::unlink(link_.c_str());
        drop_flock(fd);
    }

    [[nodiscard]] const lock_waits& waits() const { return waits_; }
    /// Whose lock was taken over last, or empty.
    [[nodiscard]] const std::string& taken_from() const { return taken_from_; }

private:
    /// False where the call fails for another reason than that somebody has the lock.
    [[nodiscard]] bool take_flock(int fd, bool without) {
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0)
            has_flock_ = flocked_ = true;
        else if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS)
            flocked_ = true;
        return flocked_ || without || errno == EWOULDBLOCK || errno == EINTR;
    }
    void drop_flock(int fd) {
        if (has_flock_) ::flock(fd, LOCK_UN);
        has_flock_ = flocked_ = false;
    }

    [[nodiscard]] tl::unexpected<error> give_up(int fd, const char* what) {
        const int reason = errno;
        drop_flock(fd);
        return fail(errc::io, what, link_, std::strerror(reason));
    }

    /// Empty where there is no link.
    [[nodiscard]] static std::string owner_of(const std::string& link) {
        char text[512];
        const ssize_t n = ::readlink(link.c_str(), text, sizeof text);
        return {text, n > 0 ? static_cast<std::size_t>(n) : 0};
    }
    /// Optuna's links all have one text.
    [[nodiscard]] std::string identity_of(const std::string& owner) const {
        struct stat status {};
        if (::lstat(link_.c_str(), &status) != 0) return owner;
        return fmt::format("{} {} {}.{}", owner, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    }
    [[nodiscard]] static std::string_view process_of(std::string_view owner) {
        return owner.substr(0, owner.rfind(':'));
    }

    /// Renamed first, so that of several processes one gets the stale link; a living one that was caught instead,
    /// because it was made a moment ago, is put back unless the place is taken.
    [[nodiscard]] bool take_over(const std::string& owner) {
        const std::string aside = link_ + "." + mine_;
        if (std::rename(link_.c_str(), aside.c_str()) != 0) return errno == ENOENT;
        if (owner_of(aside) == owner) {
            taken_from_ = owner;
            ++waits_.taken_over;
        } else {
            static_cast<void>(::link(aside.c_str(), link_.c_str()));
        }
        return ::unlink(aside.c_str()) == 0 || errno == ENOENT;
    }

    std::string link_;
    std::chrono::milliseconds stale_after_;
    std::string mine_;
    std::string taken_from_;
    bool flocked_ = false;    ///< nobody on this host is before this process
    bool has_flock_ = false;  ///< flock() is to be released
    lock_waits waits_;
};

}  // namespace llmnas
