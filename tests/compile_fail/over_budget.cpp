// SPDX-License-Identifier: MIT
// link: llmnas::static
// A design over budget is an error that names the memory model, both numbers and the operator of the peak: LMaNet-Core
// needs 307,200 bytes layer by layer, at the expansion of stage 1 (from 0).
// expect-error: sram_budget<(struct )?(llmnas::)?layerwise, 307200(UL|ul)?, 262144(UL|ul)?, 1, 0,
// (\(llmnas::role\)2|(llmnas::)?role::expand|2)
#include <llmnas/static.hpp>

#ifdef LLMNAS_FAIL
inline constexpr llmnas::budget limits{{256 * 1024}, {2 * 1024 * 1024}};
#else
inline constexpr llmnas::budget limits{{300 * 1024}, {2 * 1024 * 1024}};
#endif
static_assert(llmnas::check_fits<llmnas::network<llmnas::zoo::lmanet_core>, llmnas::mcu::stm32h743, limits>());
