// SPDX-License-Identifier: MIT
/// \file
/// A bar on stderr, on terminals only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <unistd.h>

#include <fmt/format.h>

namespace llmnas::cli {

/// `1:23` or `1:02:03`.
[[nodiscard]] inline std::string clock_text(double seconds) {
    const auto s = static_cast<std::int64_t>(std::max(0.0, seconds) + 0.5);
    return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                    : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

/// `[######..................]` for 0 .. 1.
[[nodiscard]] inline std::string bar_text(double done) {
    constexpr std::size_t width = 24;
    const auto filled = static_cast<std::size_t>(std::clamp(done, 0.0, 1.0) * width);
    return fmt::format("[{}{}]", std::string(filled, '#'), std::string(width - filled, '.'));
}

/// One line that is drawn anew, at most ten times a second; nothing where stderr is no terminal.
class progress_bar {
public:
    /// The share of the work done, and of it what was done before this object was made (the ETA goes by the rest).
    void show(double done, double done_before, std::string_view text) {
        if (!terminal_) return;
        const auto now = clock::now();
        if (drawn_ && done < 1 && now - last_ < std::chrono::milliseconds(100)) return;
        drawn_ = true;
        last_ = now;
        const double elapsed = std::chrono::duration<double>(now - start_).count();
        const double here = done - done_before;
        const std::string eta = here > 0 ? clock_text(elapsed / here * (1 - done)) : "?";
        fmt::print(stderr, "\r\033[K{} ETA {}  {}", bar_text(done), eta, text);
        std::fflush(stderr);
    }

    /// Ends the bar's line, so that others can follow.
    void clear() {
        if (drawn_) fmt::print(stderr, "\r\033[K");
        drawn_ = false;
    }

private:
    using clock = std::chrono::steady_clock;

    bool terminal_ = ::isatty(STDERR_FILENO) == 1;
    bool drawn_ = false;
    clock::time_point start_ = clock::now();
    clock::time_point last_{};
};

}  // namespace llmnas::cli
