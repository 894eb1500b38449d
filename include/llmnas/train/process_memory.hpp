// SPDX-License-Identifier: MIT
/// \file
/// What happens to memory that a training frees.
#pragma once

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

}  // namespace llmnas
