// SPDX-License-Identifier: MIT
// link: llmnas::static
// The planned model over budget names its options, both numbers and the operator that reads the largest buffer: LMaNet-
// Elite with the frame resident needs 87,056 bytes, at the depthwise convolution that reads the frame.
// expect-error: sram_budget<(struct )?(llmnas::)?planned<.*>, 87056(UL|ul)?, 81920(UL|ul)?, 0, 0,
#include <llmnas/static.hpp>

#ifdef LLMNAS_FAIL
inline constexpr llmnas::budget limits{{80 * 1024}, {2 * 1024 * 1024}};
#else
inline constexpr llmnas::budget limits{{86 * 1024}, {2 * 1024 * 1024}};
#endif
static_assert(llmnas::check_fits<llmnas::network<llmnas::zoo::lmanet_elite>, llmnas::mcu::stm32h743, limits,
                                 llmnas::planned<>>());
