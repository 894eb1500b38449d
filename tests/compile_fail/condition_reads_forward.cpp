// SPDX-License-Identifier: MIT
// link: llmnas::static
// expect-error: the condition of an axis may read only members of axes before it
#include <llmnas/static.hpp>

using namespace llmnas;

struct my_space {
    static constexpr std::string_view name = "mine";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 2;
    using ratio_axis =
        axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 4}, ratio{1, 2}>, is<&stage::use_se, true>>;
    using se_axis = axis<"use_se", &stage::use_se, true, false>;
#ifdef LLMNAS_FAIL
    static constexpr auto axes = boost::hana::make_tuple(ratio_axis{}, se_axis{});
#else
    static constexpr auto axes = boost::hana::make_tuple(se_axis{}, ratio_axis{});
#endif
};
static_assert(stage_cardinality<my_space> == 3);
