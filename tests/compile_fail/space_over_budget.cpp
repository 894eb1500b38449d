// SPDX-License-Identifier: MIT
// link: llmnas::static
// A space with networks over the budget is an error that names the memory model and both numbers.
// expect-error: the space has networks that may need more SRAM than the budget allows
// expect-error: space_sram_budget<(struct )?(llmnas::)?layerwise, 98304(UL|ul)?, 98303(UL|ul)?
#include <llmnas/mcu/fits_space.hpp>
#include <llmnas/mcu/targets.hpp>

using namespace llmnas;

struct small_space {
    static constexpr std::string_view name = "small_space";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(axis<"output_channels", &stage::output_channels, 8, 16>{},
                                                         axis<"stride", &stage::stride, 1, 2>{});
};
#ifdef LLMNAS_FAIL
inline constexpr budget limits{{98'303}, {64 * 1024}};
#else
inline constexpr budget limits{{98'304}, {64 * 1024}};
#endif
static_assert(check_all_fit<small_space, mcu::stm32f411, limits, layerwise, shape{3, 32, 32}, 10>());
