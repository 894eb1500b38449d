// SPDX-License-Identifier: MIT
// link: llmnas::static
// Bounds lower each block alone; a block that reads what earlier ones published would be counted wrongly.
// expect-error: bounds lower each block alone, but a block type of this space reads what earlier blocks
#include <llmnas/core/blocks/xiconv.hpp>
#include <llmnas/mcu/fits_space.hpp>
#include <llmnas/mcu/targets.hpp>

using namespace llmnas;

struct my_blocks {
#ifdef LLMNAS_FAIL
    static constexpr auto types = boost::hana::tuple_t<conv_block, xiconv_block>;
#else
    static constexpr auto types = boost::hana::tuple_t<conv_block, pointwise_block>;
#endif
};
struct small_space {
    static constexpr std::string_view name = "small_space";
    using stage_type = stage;
    using blocks = my_blocks;
    static constexpr std::size_t stages = 2;
    static constexpr auto axes = boost::hana::make_tuple(axis<"stride", &stage::stride, 1, 2>{});
};
static_assert(
    check_all_fit<small_space, mcu::stm32f411, whole_target<mcu::stm32f411>, layerwise, shape{3, 32, 32}, 10>());
