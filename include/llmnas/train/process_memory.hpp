// SPDX-License-Identifier: MIT
/// \file
/// Memory of the process that trains.
#pragma once

#include <cstdint>

#include <sys/resource.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace llmnas {

/// From now on, blocks of up to 1 GiB that this process frees stay with it. Every step of a training allocates the same
/// maps; glibc maps each of those above 32 MiB anew, and the kernel clears it page by page: an eighth of a step of
/// LMaNet-Elite at 160 px. Without glibc nothing changes.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

/// Most bytes that were resident at one time; 0 where the system does not say.
[[nodiscard]] inline std::int64_t peak_resident_bytes() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#if defined(__APPLE__)
    return usage.ru_maxrss;
#else
    return std::int64_t{usage.ru_maxrss} * 1024;
#endif
}

}  // namespace llmnas
