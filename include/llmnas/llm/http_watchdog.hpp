// SPDX-License-Identifier: MIT
/// \file
/// Guards of one HTTP exchange: its time limits, and signals that it must not raise.
#pragma once

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace llmnas::detail {

using http_clock = std::chrono::steady_clock;

/// Which limit an exchange ran into.
enum class http_limit : std::uint8_t { none, first_byte, idle, whole, unwanted };

/// Ends an exchange at its limits, whatever it is doing: the HTTP library's own time-outs are those of single reads.
class http_watchdog {
public:
    /// `stop` is called from another thread, again and again until end(): it may have no effect between two connection
    /// attempts. `first_end`: until then something of the reply must have come; behind it no pause may last `idle`.
    /// `unwanted`, where given, is asked ten times a second, from the other thread too; true ends the exchange.
    http_watchdog(std::function<void()> stop, http_clock::time_point whole_end, http_clock::time_point first_end,
                  http_clock::duration idle, std::function<bool()> unwanted = {})
        : stop_(std::move(stop)),
          unwanted_(std::move(unwanted)),
          whole_end_(whole_end),
          first_end_(first_end),
          idle_(idle),
          thread_([this] { watch(); }) {}
    http_watchdog(const http_watchdog&) = delete;
    http_watchdog& operator=(const http_watchdog&) = delete;
    ~http_watchdog() { end(); }

    /// Something of the reply has come.
    void heard() {
        const std::lock_guard lock(mutex_);
        last_ = http_clock::now();
        if (!std::exchange(started_, true)) changed_.notify_all();  // the next limit may be nearer than the last
    }

    /// Stops watching; the limit that ended the exchange.
    http_limit end() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
        return fired_;
    }

private:
    void watch() {
        std::unique_lock lock(mutex_);
        while (!done_) {
            const auto part_end = started_ ? last_ + idle_ : first_end_;
            const auto now = http_clock::now();
            if (now >= whole_end_)
                fired_ = http_limit::whole;
            else if (now >= part_end)
                fired_ = started_ ? http_limit::idle : http_limit::first_byte;
            else if (unwanted_ && unwanted_())
                fired_ = http_limit::unwanted;
            if (fired_ != http_limit::none) break;
            auto next = std::min(whole_end_, part_end);
            if (unwanted_) next = std::min<http_clock::time_point>(next, now + std::chrono::milliseconds{100});
            changed_.wait_until(lock, next);
        }
        while (!done_) {
            lock.unlock();
            stop_();
            lock.lock();
            changed_.wait_for(lock, std::chrono::milliseconds{20}, [this] { return done_; });
        }
    }

    std::function<void()> stop_;
    std::function<bool()> unwanted_;
    http_clock::time_point whole_end_;
    http_clock::time_point first_end_;
    http_clock::duration idle_;
    std::mutex mutex_;
    std::condition_variable changed_;
    http_clock::time_point last_{};
    bool started_ = false;
    bool done_ = false;
    http_limit fired_ = http_limit::none;
    std::thread thread_;  ///< last: it reads the others
};

/// Keeps SIGPIPE from ending the program while it stands: httplib's clients write to sockets that the server may have
/// closed. For this thread only, and without touching the program's own handler.
class no_sigpipe {
public:
    no_sigpipe() {
        ::sigset_t pending;
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~no_sigpipe() {
        const ::timespec at_once{};
        if (!was_pending_)
            while (::sigtimedwait(&pipe_, nullptr, &at_once) == -1 && errno == EINTR) {
            }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;

private:
    ::sigset_t pipe_{};
    ::sigset_t before_{};
    bool was_pending_ = false;
};

}  // namespace llmnas::detail
