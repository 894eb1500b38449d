// SPDX-License-Identifier: MIT
// link: llmnas::static
// A memory model without an upper bound over a space cannot prove that all networks fit.
// expect-error: the memory model gives no upper bound over a space
// expect-error: space_sram_budget<(struct )?(llmnas::)?arena
#include <llmnas/cost/memory/arena.hpp>
#include <llmnas/mcu/fits_space.hpp>
#include <llmnas/mcu/targets.hpp>

using namespace llmnas;

struct small_space {
    static constexpr std::string_view name = "small_space";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(axis<"stride", &stage::stride, 1, 2>{});
};
#ifdef LLMNAS_FAIL
using model = arena;
#else
using model = layerwise;
#endif
static_assert(check_all_fit<small_space, mcu::stm32f411, whole_target<mcu::stm32f411>, model, shape{3, 32, 32}, 10>());
