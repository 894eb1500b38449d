// SPDX-License-Identifier: MIT
// link: llmnas::static
// expect-error: number of layers \(Got\) outside 1..64
#include <llmnas/static.hpp>

#ifdef LLMNAS_FAIL
inline constexpr llmnas::architecture<1> net{.stages = {{.num_layers = 0}}};
#else
inline constexpr llmnas::architecture<1> net{.stages = {{.num_layers = 64}}};
#endif
static_assert(llmnas::network<net>::view.ops.size() > 0);
