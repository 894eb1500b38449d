// SPDX-License-Identifier: MIT
/// \file
/// `llmnas search --workers N`: this process watches the study while others work on it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/cli/exit_code.hpp>
#include <llmnas/cli/interrupt.hpp>
#include <llmnas/cli/progress.hpp>
#include <llmnas/cli/worker_pool.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/search/outcome.hpp>

namespace llmnas::cli {

/// Starts workers and shows what the journal says of their trials, until all have ended and no trial is open. One that
/// a signal ends is started again, as long as trials end between. Ctrl-C or SIGTERM stops them in order.
template <class Study>
class search_by_workers {
public:
    /// `words`: the command line of a worker. Behind `max_seconds`, where that is not 0, open trials are left open.
    search_by_workers(Study& s, search_progress& progress, std::vector<std::string> words, std::size_t workers,
                      double max_seconds)
        : study_(s),
          progress_(progress),
          pool_(std::move(words)),
          workers_(workers),
          max_seconds_(max_seconds),
          seen_(s.ended_trials().size()),
          started_(s.open_trials()) {}

    /// interrupted where the user stopped it; training where workers failed and none is left.
    [[nodiscard]] result<search_outcome> run() {
        for (std::size_t k = 0; k < workers_; ++k)
            if (auto started = pool_.start(); !started) {
                wait_for_all();
                return tl::unexpected<error>(started.error());
            }
        std::optional<error> problem;
        bool stopping = false;
        while (true) {
            if (auto seen = look(); !seen && !problem) problem = seen.error();
            if ((problem || interrupt_requested()) && !std::exchange(stopping, true)) pool_.stop();
            for (const auto& end : pool_.take_ends()) {
                if (auto again = after(end, stopping); !again && !problem) problem = again.error();
            }
            if (pool_.running() == 0) {
                if (auto seen = look(); !seen && !problem) problem = seen.error();
                if (problem) return tl::unexpected<error>(*problem);
                if (stopping) return fail(errc::interrupted, "stopped by the user", "search");
                if (failed_) return fail(errc::training, "no worker goes on; one failed", "search", *failed_);
                if (study_.open_trials().empty() || out_of_time()) break;
                // A worker died when the others had left already.
                if (!study_.abandoned().empty())
                    if (auto started = pool_.start(); !started) return tl::unexpected<error>(started.error());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        return outcome_of<paper_objectives, table1_se>(study_.trials());
    }

private:
    [[nodiscard]] result<void> after(const worker_pool::end& end, bool stopping) {
        if (!stopping && !end.crashed && end.exit_code != exit_code::success) failed_ = end.how;
        if (stopping || !end.crashed) return {};
        const std::size_t ended = study_.ended_trials().size();
        crashes_ = ended > ended_at_crash_ ? 1 : crashes_ + 1;
        ended_at_crash_ = ended;
        if (crashes_ > 2 * workers_ + 3)
            return fail(errc::training, fmt::format("{} workers died while no trial ended", crashes_), "search",
                        end.how);
        progress_.message(fmt::format("a worker died ({}); another one goes on", end.how));
        return pool_.start();
    }

    [[nodiscard]] result<void> look() {
        for (const std::string& line : pool_.take_lines()) progress_.message("worker: " + line);
        if (auto read = study_.refresh(); !read) return read;
        const auto trials = study_.trials();
        for (const std::int32_t number : study_.open_trials())
            if (started_.insert(number).second) progress_.trial_started(trials[static_cast<std::size_t>(number)]);
        for (; seen_ < study_.ended_trials().size(); ++seen_) {
            const auto& t = trials[static_cast<std::size_t>(study_.ended_trials()[seen_])];
            if (started_.insert(t.number).second) progress_.trial_started(t);
            progress_.trial_ended(t);
        }
        progress_.show_others(study_.open_trials().size(), study_.rejections());
        return {};
    }

    [[nodiscard]] bool out_of_time() const {
        return max_seconds_ > 0 &&
               std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > max_seconds_;
    }

    void wait_for_all() {
        pool_.stop();
        while (pool_.running() > 0) {
            static_cast<void>(pool_.take_ends());
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }

    Study& study_;
    search_progress& progress_;
    worker_pool pool_;
    std::size_t workers_;
    double max_seconds_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::size_t seen_;  ///< of the ended trials
    std::set<std::int32_t> started_;
    std::size_t crashes_ = 0;  ///< since a trial ended
    std::size_t ended_at_crash_ = 0;
    std::optional<std::string> failed_;
};

}  // namespace llmnas::cli
