// SPDX-License-Identifier: MIT
// link: llmnas::static
// expect-error: a block type needs `static constexpr std::string_view name` and `static constexpr tensor
#include <llmnas/static.hpp>

struct my_block {
    static constexpr std::string_view name = "mine";
#ifndef LLMNAS_FAIL
    static constexpr llmnas::tensor lower(llmnas::graph_builder& g, const llmnas::stage& s, std::size_t,
                                          llmnas::tensor x) {
        return g.pointwise(x, llmnas::role::main, s.output_channels, s.activation);
    }
#endif
};
struct my_blocks {
    static constexpr auto types = boost::hana::tuple_t<my_block>;
};
inline constexpr llmnas::architecture<1, llmnas::stage, my_blocks> net{.stages = {{.conv_type = {0}}}};
static_assert(llmnas::network<net>::view.ops.size() == 3);
