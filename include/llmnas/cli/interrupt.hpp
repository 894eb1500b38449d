// SPDX-License-Identifier: MIT
/// \file
/// Ctrl-C and SIGTERM as a question: the first one asks the program to stop in order, the second ends it.
#pragma once

#include <csignal>
#include <initializer_list>

namespace llmnas::cli {

namespace detail {
inline volatile std::sig_atomic_t interrupts = 0;
}

[[nodiscard]] inline bool interrupt_requested() { return detail::interrupts != 0; }

inline void catch_interrupts() {
    for (const int signal : {SIGINT, SIGTERM})
        std::signal(signal, [](int s) {
            detail::interrupts = 1;
            std::signal(s, SIG_DFL);
        });
}

}  // namespace llmnas::cli
