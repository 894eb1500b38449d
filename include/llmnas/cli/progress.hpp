// SPDX-License-Identifier: MIT
/// \file
/// Progress of a search on stderr: a bar with ETA on a terminal, a line a trial elsewhere.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>

#include <llmnas/cli/progress_bar.hpp>
#include <llmnas/llm/openai_options.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/search_budget.hpp>

namespace llmnas::cli {

namespace detail {
inline std::atomic<bool> network_trains = false;  ///< then the bar has the terminal's line
}

/// Why the language model's server is waited for: live on a terminal, else a line for each request.
inline void show_wait(const wait_notice& w) {
    static std::atomic<int> told = 0;  // attempts count from 1 in each call
    const auto line = fmt::format("language model: {}; request {} in {:.0f} s", w.reason, w.attempt + 1,
                                  std::chrono::duration<double>(w.remaining).count());
    if (::isatty(STDERR_FILENO) == 1) {
        if (!detail::network_trains) fmt::print(stderr, "\r\033[K{}", line);
    } else if (told.exchange(w.attempt) != w.attempt) {
        fmt::print(stderr, "{}\n", line);
    }
    std::fflush(stderr);
}

/// Live count of an answer's tokens, on a terminal only, and while the search waits for it.
inline void show_tokens(const stream_progress& p) {
    if (::isatty(STDERR_FILENO) != 1 || detail::network_trains) return;
    fmt::print(stderr, "\r\033[Klanguage model: {} tokens, {:.1f} a second", p.tokens,
               static_cast<double>(p.tokens) / std::max(p.seconds, 1e-3));
    std::fflush(stderr);
}

/// Observer of a search_loop.
class search_progress : public search_observer {
public:
    /// The bar counts trials, or proposals: trials of the search's own proposer and rejections.
    search_progress(std::int32_t wanted, std::int32_t done_before, bool counts_proposals)
        : wanted_(wanted),
          done_(done_before),
          done_before_(done_before),
          counts_proposals_(counts_proposals),
          terminal_(::isatty(STDERR_FILENO) == 1) {}

    template <class Trial>
    void trial_started(const Trial& t) {
        detail::network_trains = true;
        current_ = fmt::format("trial {} by {}", t.number, t.proposer);
        fraction_ = 0;
        latest_.clear();
        draw();
    }

    template <class Trial>
    void epoch_done(const Trial&, const epoch_report& e) {
        fraction_ = static_cast<double>(e.epoch) / std::max(1, e.epochs);
        latest_ = fmt::format("epoch {}/{} {:.1f} %", e.epoch, e.epochs, 100 * e.accuracy);
        draw();
    }

    template <class Trial>
    void trial_ended(const Trial& t) {
        detail::network_trains = false;
        if (!counts_proposals_ || is_proposal(t)) ++done_;
        fraction_ = 0;
        const costs& c = t.candidate.cost;
        const std::string outcome = t.state == trial_state::complete
                                        ? fmt::format("{:5.1f} %", 100 * t.training.accuracy)
                                        : "failed: " + t.failure;
        line(fmt::format("trial {:>3}  {:<10} {:>7.1f} M MACs {:>7.1f} KiB SRAM  {}", t.number, t.proposer,
                         static_cast<double>(c.mac_count.value) / 1e6, static_cast<double>(c.sram.size.value) / 1024,
                         outcome));
        draw();
    }

    void rejected(std::string_view who, const rejection& r) {
        ++rejected_;
        if (counts_proposals_) ++done_;
        if (!terminal_) return;
        current_ = fmt::format("{} proposes, {} refused ({})", who, rejected_, name_of(r.kind));
        draw();
    }

    void message(std::string_view text) { line(std::string(text)); }

    /// Ends the bar's line.
    void close() {
        if (terminal_) fmt::print(stderr, "\r\033[K");
    }

private:
    using clock = std::chrono::steady_clock;

    void line(const std::string& text) {
        if (terminal_) fmt::print(stderr, "\r\033[K");
        fmt::print(stderr, "{}\n", text);
    }

    void draw() {
        if (!terminal_) return;
        const double done = std::min(1.0, (done_ + fraction_) / std::max(1, wanted_));
        const double elapsed = std::chrono::duration<double>(clock::now() - start_).count();
        const double here = done_ - done_before_ + fraction_;
        const std::string eta = here > 0 ? clock_text(elapsed / here * (wanted_ - done_ - fraction_)) : "?";
        fmt::print(stderr, "\r\033[K{} {}/{}  ETA {}  {}  {}", bar_text(done), done_, wanted_, eta, current_, latest_);
        std::fflush(stderr);
    }

    std::int32_t wanted_;
    std::int32_t done_;
    std::int32_t done_before_;
    bool counts_proposals_;
    bool terminal_;
    double fraction_ = 0;
    std::uint64_t rejected_ = 0;
    std::string current_;
    std::string latest_;
    clock::time_point start_ = clock::now();
};

}  // namespace llmnas::cli
