// SPDX-License-Identifier: MIT
/// \file
/// Batches made ahead of their use, while the network trains on those before.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include <fmt/format.h>

#include <llmnas/core/result.hpp>
#include <llmnas/train/batches.hpp>
#include <llmnas/train/torch_compat.hpp>

namespace llmnas {

/// How far a stream works ahead; without influence on the batches.
struct stream_options {
    std::int32_t workers = 0;  ///< threads; 0: one for a CPU, which trains on all cores, else all cores but at most 8
    std::int32_t ahead = 0;    ///< batches that are ready or in the making at most; 0: two more than workers
};

/// Walks through an image set in batches, epoch after epoch. Worker threads fill a bounded queue; batches come out in
/// order and do not depend on the number of threads. Memory of batches that nobody holds any more is used again. One
/// thread may use an object. The destructor stops the workers at the end of the batches that they are making.
template <Augmentation A = no_augmentation>
class batch_stream {
public:
    batch_stream(const image_set& set, const batch_layout& layout, A augmentation = {}, mix_up mixing = {},
                 stream_options options = {})
        : maker_(set, layout, std::move(augmentation), mixing) {
        const auto cores = static_cast<std::int32_t>(std::clamp(std::thread::hardware_concurrency(), 1U, 8U));
        const std::int32_t workers = options.workers > 0 ? options.workers : layout.device.is_cpu() ? 1 : cores;
        queue_.resize(static_cast<std::size_t>(options.ahead > 0 ? std::max(options.ahead, workers) : workers + 2));
        for (std::int32_t i = 0; i < workers; ++i)
            workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
    batch_stream(const batch_stream&) = delete;
    batch_stream& operator=(const batch_stream&) = delete;

    /// Starts over with the images at these indices, in batches of `batch_size`; the last may be smaller. What was not
    /// taken of the epoch before is dropped. The first `skipped` batches are left out: the others are as without.
    void begin(std::vector<std::size_t> order, std::size_t batch_size, std::uint64_t seed, std::size_t skipped = 0) {
        std::unique_lock lock(mutex_);
        count_ = started_;  // nothing more of the old epoch begins
        changed_.wait(lock, [this] { return making_ == 0; });
        std::fill(queue_.begin(), queue_.end(), std::nullopt);
        order_ = std::move(order);
        batch_size_ = std::max<std::size_t>(1, batch_size);
        seed_ = seed;
        count_ = (order_.size() + batch_size_ - 1) / batch_size_;
        started_ = std::min(skipped, count_);
        taken_ = started_;
        changed_.notify_all();
    }

    /// Batches of the epoch that were not taken yet.
    [[nodiscard]] std::size_t left() const noexcept { return count_ - taken_; }

    /// The next batch, on the layout's device. Errors: training where making it failed (out of memory, an augmentation
    /// that throws), bad_input behind the last.
    [[nodiscard]] result<batch> next() {
        std::optional<result<batch>> ready;
        {
            std::unique_lock lock(mutex_);
            if (taken_ == count_) return fail(errc::bad_input, "no batch is left in this epoch", "batch_stream");
            auto& place = queue_[taken_ % queue_.size()];
            if (!place) {
                const auto begun = std::chrono::steady_clock::now();
                changed_.wait(lock, [&place] { return place.has_value(); });
                waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
            }
            std::swap(ready, place);
            ++taken_;
            changed_.notify_all();
        }
        if (!*ready) return std::move(*ready);
        return maker_.delivered(std::move(**ready));
    }

    /// Time that next() has waited for workers since the construction: training could not go on for want of data.
    [[nodiscard]] double seconds_waited() const noexcept { return waited_; }

private:
    void work(const std::stop_token& stop) {
        typename batch_maker<A>::workspace space;
        std::unique_lock lock(mutex_);
        while (changed_.wait(lock, stop, [this] { return started_ < count_ && started_ < taken_ + queue_.size(); })) {
            const std::size_t number = started_++;
            ++making_;
            const std::size_t first = number * batch_size_;
            const auto indices =
                std::span<const std::size_t>(order_).subspan(first, std::min(batch_size_, order_.size() - first));
            lock.unlock();
            std::optional<result<batch>> made = make(indices, number, space);
            lock.lock();
            queue_[number % queue_.size()] = std::move(made);
            --making_;
            changed_.notify_all();
        }
    }

    [[nodiscard]] result<batch> make(std::span<const std::size_t> indices, std::size_t number,
                                     typename batch_maker<A>::workspace& space) {
        const auto failed = [number](const std::string& what) {
            return fail(errc::training, "a batch could not be made: " + what, fmt::format("batch {}", number + 1));
        };
        try {
            return maker_.make(indices, seed_, number, memory_for(indices.size()), space);
        } catch (const std::exception& e) {
            return failed(first_line_of(e));
        } catch (...) {
            return failed("an exception of unknown type");
        }
    }

    /// Memory of an earlier batch that only this stream still holds, or new memory. Fresh pages cost as much as the
    /// images in them. Pinned memory is torch's to keep: it knows when a copy is done.
    [[nodiscard]] at::Tensor memory_for(std::size_t images) {
        if (!maker_.layout().device.is_cpu() || images != batch_size_) return maker_.memory_for(images);
        const std::lock_guard lock(memory_mutex_);
        std::erase_if(memory_,
                      [images](const at::Tensor& t) { return t.size(0) != static_cast<std::int64_t>(images); });
        for (const at::Tensor& t : memory_)
            if (t.use_count() == 1 && t.storage().use_count() == 1) return t;
        at::Tensor fresh = maker_.memory_for(images);
        if (memory_.size() < queue_.size() + 2) memory_.push_back(fresh);
        return fresh;
    }

    batch_maker<A> maker_;
    std::mutex mutex_;  ///< of all below up to waited_
    std::condition_variable_any changed_;
    std::vector<std::optional<result<batch>>> queue_;  ///< batch n has place n % size
    std::vector<std::size_t> order_;
    std::size_t batch_size_ = 1;
    std::uint64_t seed_ = 0;
    std::size_t count_ = 0;    ///< batches of the epoch
    std::size_t started_ = 0;  ///< of which so many have been begun
    std::size_t taken_ = 0;
    std::size_t making_ = 0;  ///< workers at work
    double waited_ = 0;
    std::mutex memory_mutex_;
    std::vector<at::Tensor> memory_;
    std::vector<std::jthread> workers_;  ///< last: they stop before what they use goes
};

}  // namespace llmnas
