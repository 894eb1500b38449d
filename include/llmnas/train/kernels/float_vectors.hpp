// SPDX-License-Identifier: MIT
/// \file
/// Kernels on vectors of floats as wide as the machine has them, whatever flags the user compiles with. No torch.
#pragma once

#include <cstring>

namespace llmnas::detail {

/// So many floats that add, multiply and compare element by element.
template <int Lanes>
struct float_lanes;
template <>
struct float_lanes<4> {
    using type = float __attribute__((vector_size(16)));
};
template <>
struct float_lanes<8> {
    using type = float __attribute__((vector_size(32)));
};
template <>
struct float_lanes<16> {
    using type = float __attribute__((vector_size(64)));
};

/// The widest of them: data is laid out in blocks of so many.
inline constexpr int most_lanes = 16;

// Vectors are never passed or returned by value: how is up to the flags.
template <class V>
[[gnu::always_inline]] inline void load(V& to, const float* from) {
    std::memcpy(&to, from, sizeof(V));
}
template <class V>
[[gnu::always_inline]] inline void store(float* to, const V& from) {
    std::memcpy(to, &from, sizeof(V));
}

// Contraction into fused multiply-adds is wanted: gradients agree up to rounding between machines, like torch's own.
#if defined(__GNUC__) && !defined(__clang__)
#define LLMNAS_KERNEL optimize("O3", "fp-contract=fast"), noinline
#else
#define LLMNAS_KERNEL noinline
#endif

template <class Kernel>
__attribute__((LLMNAS_KERNEL)) void run_on_baseline(Kernel kernel) {
    kernel.template operator()<4>();
}

#if defined(__x86_64__)
template <class Kernel>
__attribute__((target("avx2,fma"), LLMNAS_KERNEL)) void run_on_avx2(Kernel kernel) {
    kernel.template operator()<8>();
}

template <class Kernel>
__attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma"), LLMNAS_KERNEL)) void run_on_avx512(Kernel kernel) {
    kernel.template operator()<16>();
}
#endif

#undef LLMNAS_KERNEL

/// Floats in the machine's widest vectors.
[[nodiscard]] inline int machine_lanes() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return 16;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 8;
#endif
    return 4;
}

/// Of the vectors that kernels run on. Tests make it smaller.
inline int used_lanes = machine_lanes();

/// Runs a kernel, `[=]<int Lanes>() { ... }` that is always inlined (as must be all that it calls), with the machine's
/// widest vectors.
template <class Kernel>
void on_float_vectors(Kernel kernel) {
#if defined(__x86_64__)
    if (used_lanes >= 16) return run_on_avx512(kernel);
    if (used_lanes >= 8) return run_on_avx2(kernel);
#endif
    run_on_baseline(kernel);
}

}  // namespace llmnas::detail
