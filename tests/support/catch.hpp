// SPDX-License-Identifier: MIT
/// \file
/// Catch2 2.13 (Debian 12) or 3 (Debian 13) under one name, with the few spellings of version 3 that version 2 lacks.
#pragma once

#include <cstdio>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

/// Ends a test case that cannot run here, with the reason; ctest lists it as skipped.
#define LLMNAS_SKIP(reason)                         \
    do {                                            \
        ::std::printf("LLMNAS_SKIP: %s\n", reason); \
        SKIP(reason);                               \
    } while (false)

#else
#include <catch2/catch.hpp>

namespace Catch {
using Detail::Approx;
namespace Matchers {
inline auto ContainsSubstring(const std::string& text, CaseSensitive::Choice sensitive = CaseSensitive::Yes) {
    return Contains(text, sensitive);
}
}  // namespace Matchers
}  // namespace Catch

/// Ends a test case that cannot run here, with the reason; ctest lists it as skipped.
#define LLMNAS_SKIP(reason)                         \
    do {                                            \
        ::std::printf("LLMNAS_SKIP: %s\n", reason); \
        SUCCEED(reason);                            \
        return;                                     \
    } while (false)

#endif
