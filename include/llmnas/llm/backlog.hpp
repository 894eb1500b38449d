// SPDX-License-Identifier: MIT
/// \file
/// Requests that a language model answers in a thread of its own while others work.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <llmnas/llm/language_model.hpp>

namespace llmnas {

/// A queue of requests to one model, answered one at a time and taken in the order in which they were submitted: what
/// is asked depends on the caller alone, never on who is faster. The thread starts with the first submit(); without one
/// (`background` false: a replay, which does not wait) take() asks in the caller's thread, in the same order.
template <LanguageModel Model>
class backlog {
public:
    explicit backlog(Model model, bool background = true) : model_(std::move(model)), background_(background) {}
    backlog(const backlog&) = delete;
    backlog& operator=(const backlog&) = delete;
    ~backlog() { static_cast<void>(close()); }

    /// Asks in the caller's thread. Only while nothing is open.
    [[nodiscard]] result<completion> ask(const completion_request& request) { return model_.complete(request); }

    /// Only while nothing is open.
    [[nodiscard]] std::optional<std::int32_t> context_length() { return context_length_of(model_); }

    /// Never waits.
    void submit(completion_request request) {
        {
            const std::lock_guard lock(mutex_);
            entries_.push_back({std::move(request), std::nullopt, nullptr});
        }
        if (background_ && !worker_.joinable()) worker_ = std::thread([this] { work(); });
        changed_.notify_all();
    }

    /// Requests submitted and not taken.
    [[nodiscard]] std::size_t open() const {
        const std::lock_guard lock(mutex_);
        return entries_.size();
    }
    /// Of these, those that are answered.
    [[nodiscard]] std::size_t ready() const {
        const std::lock_guard lock(mutex_);
        return answered_;
    }

    /// The answer to the oldest open request, waited for. What the model throws is thrown here. Only while one is open.
    [[nodiscard]] result<completion> take() {
        std::unique_lock lock(mutex_);
        if (!background_) {
            const completion_request request = std::move(entries_.front().request);
            entries_.pop_front();
            lock.unlock();
            return model_.complete(request);
        }
        changed_.wait(lock, [this] { return answered_ > 0; });
        entry first = std::move(entries_.front());
        entries_.pop_front();
        --answered_;
        if (first.thrown) std::rethrow_exception(first.thrown);
        return *std::move(first.answer);
    }

    /// Drops the requests that were not begun, waits for the one that was, and gives the answers that nobody took.
    /// Later requests start anew.
    [[nodiscard]] std::vector<result<completion>> close() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        changed_.notify_all();
        if (worker_.joinable()) worker_.join();
        ending_ = false;
        std::vector<result<completion>> left;
        for (std::size_t i = 0; i < answered_; ++i)
            if (entries_[i].answer) left.push_back(*std::move(entries_[i].answer));
        entries_.clear();
        answered_ = 0;
        return left;
    }

    /// Not to be changed while requests are open.
    [[nodiscard]] const Model& model() const noexcept { return model_; }

private:
    struct entry {
        completion_request request;
        std::optional<result<completion>> answer;
        std::exception_ptr thrown;
    };

    void work() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return ending_ || answered_ < entries_.size(); });
            if (ending_) return;
            // The first that is not answered, now and when the answer is there: others are taken from before it.
            const completion_request request = std::move(entries_[answered_].request);
            lock.unlock();
            std::optional<result<completion>> answer;
            std::exception_ptr thrown;
            try {
                answer = model_.complete(request);
            } catch (...) {
                thrown = std::current_exception();
            }
            lock.lock();
            entries_[answered_].answer = std::move(answer);
            entries_[answered_].thrown = thrown;
            ++answered_;
            changed_.notify_all();
        }
    }

    Model model_;
    bool background_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<entry> entries_;  ///< the first `answered_` are answered
    std::size_t answered_ = 0;
    bool ending_ = false;
    std::thread worker_;
};

}  // namespace llmnas
