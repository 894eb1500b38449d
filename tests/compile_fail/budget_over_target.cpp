// SPDX-License-Identifier: MIT
// link: llmnas::static
// A limit that the part does not have proves nothing.
// expect-error: the SRAM budget is larger than the target's arena region
#include <llmnas/static.hpp>

#ifdef LLMNAS_FAIL
using part = llmnas::mcu::stm32f411;
#else
using part = llmnas::mcu::stm32h743;
#endif
static_assert(
    llmnas::fits<llmnas::network<llmnas::zoo::lmanet_core>, part, llmnas::budget{{320 * 1024}, {512 * 1024}}>);
