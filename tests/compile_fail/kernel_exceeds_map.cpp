// SPDX-License-Identifier: MIT
// link: llmnas::static
// An illegal design says what, where and the numbers: a kernel of 9 without padding on 8 pixels cannot be built.
// expect-error: kernel \(Got\) larger than the padded map
#include <llmnas/static.hpp>

struct unpadded {
    llmnas::shape input{3, 8, 8};
    int kernel = 8;
    constexpr void lower(llmnas::graph_builder& g) const {
        g.conv(g.input(), llmnas::role::stem, {.out_channels = 4, .kernel_h = kernel, .kernel_w = kernel});
    }
};
#ifdef LLMNAS_FAIL
inline constexpr int kernel = 9;
#else
inline constexpr int kernel = 8;
#endif
static_assert(llmnas::network<unpadded{.kernel = kernel}>::view.ops.size() == 1);
