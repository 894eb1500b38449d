// SPDX-License-Identifier: MIT
// link: llmnas::static
// A space without a legal network has no bounds: a kernel without padding is larger than the map of the last stage.
// expect-error: no point of the space is a legal network at this input
#include <llmnas/cost/bounds.hpp>

using namespace llmnas;

struct plain_stage {
    std::int32_t kernel = 3;
    friend constexpr bool operator==(const plain_stage&, const plain_stage&) = default;
};
struct plain_block {
    static constexpr std::string_view name = "plain";
    static constexpr tensor lower(graph_builder& g, const plain_stage& s, std::size_t, tensor x) {
        return g.conv(x, role::main, {.out_channels = 4, .kernel_h = s.kernel, .kernel_w = s.kernel});
    }
};
struct plain_blocks {
    static constexpr auto types = boost::hana::tuple_t<plain_block>;
};
struct plain_space {
    static constexpr std::string_view name = "plain";
    using stage_type = plain_stage;
    using blocks = plain_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(axis<"kernel", &plain_stage::kernel, 3, 5>{});
};
#ifdef LLMNAS_FAIL
inline constexpr shape input{3, 6, 6};
#else
inline constexpr shape input{3, 7, 7};
#endif
static_assert(bounds_of<plain_space, layerwise, input, 10>.flash.least.quality == bound_quality::exact);
