// SPDX-License-Identifier: MIT
// link: llmnas::static
// A chain of more blocks than the planner takes is refused by name instead of being judged by a wrong number.
// expect-error: the memory model does not take so many places between whole maps
#include <llmnas/static.hpp>

#ifdef LLMNAS_FAIL
inline constexpr int stages = 11;
#else
inline constexpr int stages = 10;
#endif

constexpr auto deep = [] {
    llmnas::architecture<stages> net{.input = {3, 32, 32}, .classes = 10, .stages = {}};
    for (llmnas::stage& s : net.stages)
        s = {.output_channels = 8, .num_layers = 6, .conv_type = llmnas::block_type::depthwise};
    return net;
}();
static_assert(
    llmnas::check_fits<llmnas::network<deep>, llmnas::mcu::stm32h743, llmnas::paper_budget, llmnas::planned<>>());
