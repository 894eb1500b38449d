// SPDX-License-Identifier: MIT
/// \file
/// Progress of a search: on a terminal a line with ETA, front and rejections that is drawn anew, elsewhere a line a
/// trial, for programs JSON lines, or nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include <llmnas/cli/progress_bar.hpp>
#include <llmnas/cli/search_events.hpp>
#include <llmnas/cli/terminal.hpp>
#include <llmnas/llm/openai_options.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/search_budget.hpp>
#include <llmnas/space/table1.hpp>

namespace llmnas::cli {

/// What a command says while it runs: to people on stderr, nothing, or to programs on stdout.
enum class verbosity : std::uint8_t { people, quiet, json };

namespace detail {
inline std::atomic<bool> network_trains = false;  ///< then the bar has the terminal's line
inline std::atomic<verbosity> said_to = verbosity::people;
}  // namespace detail

/// A line of its own.
inline void say(std::string_view text) {
    if (detail::said_to == verbosity::people) fmt::print(stderr, "{}\n", text);
    if (detail::said_to == verbosity::json) print_event("message", {{"text", text}});
}

/// Why the language model's server is waited for: live on a terminal, else a line for each request.
inline void show_wait(const wait_notice& w) {
    static std::atomic<int> told = 0;  // attempts count from 1 in each call
    const auto line = fmt::format("language model: {}; request {} in {:.0f} s", w.reason, w.attempt + 1,
                                  std::chrono::duration<double>(w.remaining).count());
    if (detail::said_to == verbosity::people && ::isatty(STDERR_FILENO) == 1) {
        if (!detail::network_trains) fmt::print(stderr, "\r\033[K{}", line);
        std::fflush(stderr);
    } else if (told.exchange(w.attempt) != w.attempt) {
        say(line);
    }
}

/// Live count of an answer's tokens, on a terminal only, and while the search waits for it.
inline void show_tokens(const stream_progress& p) {
    if (detail::said_to != verbosity::people || ::isatty(STDERR_FILENO) != 1 || detail::network_trains) return;
    fmt::print(stderr, "\r\033[Klanguage model: {} tokens, {:.1f} a second", p.tokens,
               static_cast<double>(p.tokens) / std::max(p.seconds, 1e-3));
    std::fflush(stderr);
}

/// `7 refused: 4 sram, 3 duplicate`; empty where none was.
[[nodiscard]] inline std::string refused_text(const rejection_counts& counts) {
    std::vector<std::pair<std::uint64_t, std::string_view>> kinds;
    std::uint64_t all = 0;
    for (std::size_t k = 0; k < rejection_kinds; ++k) {
        all += counts[k];
        if (counts[k] > 0) kinds.emplace_back(counts[k], name_of(static_cast<rejection_kind>(k)));
    }
    std::stable_sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string text = all > 0 ? fmt::format("{} refused:", all) : "";
    for (std::size_t k = 0; k < kinds.size(); ++k)
        text += fmt::format("{} {} {}", k > 0 ? "," : "", kinds[k].first, kinds[k].second);
    return text;
}

/// Observer of a search_loop.
class search_progress : public search_observer {
public:
    /// The bar counts trials, or proposals: trials of the search's own proposer and rejections. `known`: the study's
    /// trials and rejections so far.
    search_progress(std::int32_t wanted, std::int32_t done_before, bool counts_proposals,
                    std::span<const trial<table1_se>> known, const rejection_counts& refused)
        : wanted_(wanted),
          done_(done_before),
          done_before_(done_before),
          counts_proposals_(counts_proposals),
          refused_(refused) {
        for (const auto& t : known) found_.add(t);
    }

    template <class Trial>
    void trial_started(const Trial& t) {
        detail::network_trains = true;
        current_ = fmt::format("trial {} by {}", t.number, t.proposer);
        fraction_ = 0;
        latest_.clear();
        if (to_ == verbosity::json) print_started(t);
        draw();
    }

    template <class Trial>
    void epoch_done(const Trial& t, const epoch_report& e) {
        fraction_ = static_cast<double>(e.epoch) / std::max(1, e.epochs);
        latest_ = fmt::format(", epoch {}/{}, {:.1f} %", e.epoch, e.epochs, 100 * e.accuracy);
        if (to_ == verbosity::json) print_event("epoch", {{"trial", t.number}, {"report", e}});
        draw();
    }

    template <class Trial>
    void trial_ended(const Trial& t) {
        detail::network_trains = false;
        if (!counts_proposals_ || is_proposal(t)) ++done_;
        fraction_ = 0;
        found_.add(t);
        if (to_ == verbosity::json) print_ended(t, found_.known());
        if (to_ == verbosity::people) print_line(t);
        draw();
    }

    void rejected(std::string_view who, const rejection& r) {
        ++refused_[static_cast<std::size_t>(r.kind)];
        if (counts_proposals_) ++done_;
        if (to_ == verbosity::json)
            print_event("rejected", {{"proposer", who}, {"kind", name_of(r.kind)}, {"why", r.why.text()}});
        current_ = fmt::format("{} proposes", who);
        latest_.clear();
        draw();
    }

    void message(std::string_view text) {
        clear();
        say(text);
    }

    /// What other processes do: instead of the trial of this one. `refused`: of the whole study.
    void show_others(std::size_t in_training, const rejection_counts& refused) {
        if (counts_proposals_)
            for (std::size_t k = 0; k < rejection_kinds; ++k)
                done_ += static_cast<std::int32_t>(refused[k] - refused_[k]);
        refused_ = refused;
        current_ = fmt::format("{} in training", in_training);
        draw();
    }

    /// Ends the line that is drawn anew.
    void close() { clear(); }

    /// The line without escape sequences, at most so many columns.
    [[nodiscard]] std::string line(std::size_t width) const {
        const double done = std::min(1.0, (done_ + fraction_) / std::max(1, wanted_));
        const double elapsed = std::chrono::duration<double>(clock::now() - start_).count();
        const double here = done_ - done_before_ + fraction_;
        const std::string eta = here > 0 ? clock_text(elapsed / here * (wanted_ - done_ - fraction_)) : "?";
        std::string text = fmt::format("{} {}/{}  ETA {}", bar_text(done), done_, wanted_, eta);
        const search_outcome& known = found_.known();
        if (!known.front.empty())
            text += fmt::format("  front {}, best {:.1f} %", known.front.size(), 100 * found_.best_accuracy());
        if (const std::string refused = refused_text(refused_); !refused.empty()) text += "  " + refused;
        text += "  " + current_ + latest_;
        if (text.size() >= width) text.resize(width - 1);
        return text;
    }

private:
    using clock = std::chrono::steady_clock;

    void clear() const {
        if (terminal_) fmt::print(stderr, "\r\033[K");
    }

    /// A star marks what is on the front by now.
    template <class Trial>
    void print_line(const Trial& t) const {
        const costs& c = t.candidate.cost;
        const auto& front = found_.known().front;
        const bool on_front = std::binary_search(front.begin(), front.end(), t.number);
        const bool complete = t.state == trial_state::complete || t.state == trial_state::pruned;
        const std::string rung = t.rung ? fmt::format(" rung {} of {}", t.rung->number + 1, t.rung->of) : "";
        const std::string outcome =
            complete ? fmt::format("{:5.1f} %{}{}", 100 * t.training.accuracy, on_front ? " *" : "", rung)
                     : fmt::format("{}: {}", name_of(t.state), t.failure);
        clear();
        fmt::print(stderr, "trial {:>3}  {:<10} {:>7.1f} M MACs {:>7.1f} KiB SRAM  {}\n", t.number, t.proposer,
                   static_cast<double>(c.mac_count.value) / 1e6, static_cast<double>(c.sram.size.value) / 1024,
                   painted(outcome,
                           !complete  ? paint::red
                           : on_front ? paint::green
                                      : paint::none,
                           style_));
    }

    void draw() const {
        if (!terminal_) return;
        fmt::print(stderr, "\r\033[K{}", line(style_.width));
        std::fflush(stderr);
    }

    std::int32_t wanted_;
    std::int32_t done_;
    std::int32_t done_before_;
    bool counts_proposals_;
    rejection_counts refused_;
    verbosity to_ = detail::said_to;
    terminal_style style_ = style_of(STDERR_FILENO);
    bool terminal_ = to_ == verbosity::people && ::isatty(STDERR_FILENO) == 1;
    outcome_tracker<paper_objectives, table1_se> found_;
    double fraction_ = 0;
    std::string current_;
    std::string latest_;
    clock::time_point start_ = clock::now();
};

}  // namespace llmnas::cli
