// SPDX-License-Identifier: MIT
/// \file
/// How often a property test draws.
#pragma once

/// The full number, or a tenth under the sanitizers, which are there to find what a draw does and not how many hold.
[[nodiscard]] constexpr int rounds(int full) {
#if defined(__SANITIZE_ADDRESS__)
    return full / 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return full / 10;
#else
    return full;
#endif
#else
    return full;
#endif
}
