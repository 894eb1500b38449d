// SPDX-License-Identifier: MIT
/// \file
/// Lets OpenMP's threads spin only shortly while they wait, in programs that start no child for it.
#pragma once

#include <cstdlib>

#include <unistd.h>

#include <llmnas/search/child_process.hpp>

namespace llmnas::cli {

/// Starts this program again with the setting of child_process: libgomp reads it when it is loaded. A user's own
/// setting stands, and where the program cannot be started again it goes on as it is.
inline void use_short_spin(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
    ::setenv("GOMP_SPINCOUNT", llmnas::detail::short_spin, 0);
    ::execv("/proc/self/exe", argv);
}

}  // namespace llmnas::cli
