// SPDX-License-Identifier: MIT
/// \file
/// Who holds the lease of a trial: `host:pid:start:n`, n counting the studies that a process has open.
#pragma once

#include <charconv>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <llmnas/search/process_name.hpp>

namespace llmnas {

/// The identity of one open study, for as long as it is open.
class worker_identity {
public:
    worker_identity() {
        const std::scoped_lock guard(living().mutex);
        number_ = ++living().last;
        living().numbers.insert(number_);
        name_ = this_process() + ":" + std::to_string(number_);
    }
    worker_identity(worker_identity&& other) noexcept
        : number_(std::exchange(other.number_, 0)), name_(std::move(other.name_)) {}
    worker_identity& operator=(worker_identity&&) = delete;
    ~worker_identity() {
        const std::scoped_lock guard(living().mutex);
        living().numbers.erase(number_);
    }

    [[nodiscard]] const std::string& name() const { return name_; }

    /// Whether the worker is known to have ended: no name, or one of this host whose process, or study, is gone.
    [[nodiscard]] bool is_gone(std::string_view worker) const {
        const auto [process, number] = split(worker);
        if (process.empty() || process_is_gone(process)) return true;
        if (process != this_process()) return false;
        const std::scoped_lock guard(living().mutex);
        return !living().numbers.contains(number);
    }

    /// Whether the worker runs on this host, where its process says whether it lives.
    [[nodiscard]] bool is_here(std::string_view worker) const { return is_process_of_this_host(worker); }

private:
    struct registry {
        std::mutex mutex;
        int last = 0;
        std::set<int> numbers;
    };
    static registry& living() {
        static registry r;
        return r;
    }

    /// `host:pid:start` and n of a name.
    [[nodiscard]] static std::pair<std::string_view, int> split(std::string_view worker) {
        const auto colon = worker.rfind(':');
        if (colon == std::string_view::npos) return {{}, 0};
        int number = 0;
        std::from_chars(worker.data() + colon + 1, worker.data() + worker.size(), number);
        return {worker.substr(0, colon), number};
    }

    int number_ = 0;
    std::string name_;
};

}  // namespace llmnas
