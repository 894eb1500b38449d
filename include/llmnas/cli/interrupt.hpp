// SPDX-License-Identifier: MIT
/// \file
/// Ctrl-C and SIGTERM as a question: the first one asks the program to stop in order, the second ends it.
#pragma once

#include <csignal>
#include <initializer_list>

namespace llmnas::cli {

namespace detail {
inline volatile std::sig_atomic_t interrupts = 0;
inline volatile bool second_ends = true;
}  // namespace detail

[[nodiscard]] inline bool interrupt_requested() { return detail::interrupts != 0; }

/// For a process whose starter sends SIGTERM on, beside a scheduler that sends it to all: the second one means no more
/// than the first.
inline void keep_interrupts_orderly() { detail::second_ends = false; }

inline void catch_interrupts() {
    for (const int signal : {SIGINT, SIGTERM})
        std::signal(signal, [](int s) {
            detail::interrupts = 1;
            if (detail::second_ends) std::signal(s, SIG_DFL);
        });
}

}  // namespace llmnas::cli
