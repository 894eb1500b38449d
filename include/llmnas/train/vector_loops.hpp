// SPDX-License-Identifier: MIT
/// \file
/// Loops over pixels run on the vectors of the machine, whatever flags the user compiles with. No torch.
#pragma once

namespace llmnas::detail {

// Releases are built with -O2 for any x86-64, where g++ 12 leaves such loops scalar. Contraction into fused
// multiply-adds is off: results must not depend on the machine.
#if defined(__GNUC__) && !defined(__clang__)
#define LLMNAS_VECTORISE optimize("O3", "fp-contract=off"), noinline
#else
#define LLMNAS_VECTORISE noinline
#endif

template <class Loop>
__attribute__((LLMNAS_VECTORISE)) void run_baseline(Loop loop) {
    loop();
}

#if defined(__x86_64__)
template <class Loop>
__attribute__((target("avx2"), LLMNAS_VECTORISE)) void run_avx2(Loop loop) {
    loop();
}
#endif

#undef LLMNAS_VECTORISE

/// Runs a loop, given as a lambda that is always inlined (as must be all that it calls), with AVX2 where the processor
/// has it; the result is the same with and without. The lambda should capture by value: bytes that are written could be
/// anything that is captured by reference.
template <class Loop>
void vectorised(Loop loop) {
#if defined(__x86_64__)
    static const bool avx2 = __builtin_cpu_supports("avx2");
    if (avx2) return run_avx2(loop);
#endif
    run_baseline(loop);
}

}  // namespace llmnas::detail
