// SPDX-License-Identifier: MIT
// link: llmnas::static
// expect-error: more flash than the budget allows
#include <llmnas/static.hpp>

#ifdef LLMNAS_FAIL
inline constexpr llmnas::budget limits{{320 * 1024}, {535'169}};
#else
inline constexpr llmnas::budget limits{{320 * 1024}, {535'170}};
#endif
static_assert(llmnas::check_fits<llmnas::network<llmnas::zoo::lmanet_elite>, llmnas::mcu::stm32h743, limits>());
