// SPDX-License-Identifier: MIT
// The counters beside MACs and parameters. Figures of ptflops are those that the package prints (0.7.5 with PyTorch
// 1.13, backend "pytorch") for the same layers written as torch modules.
#include <llmnas/core/network.hpp>
#include <llmnas/cost/term_list.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mcunet.hpp>

using namespace llmnas;

template <const auto& Design, class Term>
constexpr auto total_of = total<Term>(network<Design>::view);

static_assert(total_of<zoo::lmanet_elite, ptflops_count> == operations{86'867'084});
static_assert(total_of<zoo::lmanet_core, ptflops_count> == operations{80'796'900});
static_assert(total_of<zoo::mcunet_in0, ptflops_count> == operations{6'926'816});
static_assert(total_of<zoo::mcunet_in3, ptflops_count> == operations{89'083'552});
static_assert(total_of<zoo::mcunet_in4, ptflops_count> == operations{133'953'000});

// The paper's table has 72 and 134 M for in3 and in4 at 160 x 160 with 100 classes: ptflops' rules explain them.
template <std::size_t N>
constexpr block_list<N> in_the_paper(block_list<N> net) {
    net.input = {3, 160, 160};
    net.classes = 100;
    return net;
}
constexpr auto in3 = in_the_paper(zoo::mcunet_in3);
constexpr auto in4 = in_the_paper(zoo::mcunet_in4);
static_assert(total_of<in3, ptflops_count> == operations{71'701'700});
static_assert(total_of<in4, ptflops_count> == operations{133'664'100});

// Single modules, as the package counts them.
constexpr op on(op_kind kind, activation_kind a, shape in, shape out) {
    op o;
    o.kind = kind;
    o.activation = a;
    o.in = in;
    o.out = out;
    return o;
}
constexpr shape map{2, 3, 5};
constexpr auto activated = [](activation_kind a) { return ptflops_count::of(on(op_kind::add, a, map, map)).value; };
static_assert(activated(activation_kind::none) == 0, "sums and products are free");
static_assert(activated(activation_kind::relu) == 60);
static_assert(activated(activation_kind::relu6) == 30);
static_assert(activated(activation_kind::leaky_relu) == 30);
static_assert(activated(activation_kind::swish) == 30);
static_assert(activated(activation_kind::sigmoid) == 0);
static_assert(ptflops_count::of(on(op_kind::global_avg_pool, {}, map, {2, 1, 1})) == operations{60});
static_assert(ptflops_count::of(on(op_kind::max_pool, {}, {2, 4, 4}, {2, 2, 2})) == operations{64});
static_assert(ptflops_count::of(on(op_kind::avg_pool, {}, {2, 4, 4}, {2, 2, 2})) == operations{64});
constexpr op biased = [] {
    op o = on(op_kind::conv, {}, map, {4, 3, 5});
    o.bias = true;
    return o;
}();
static_assert(ptflops_count::of(biased) == operations{180});

// Flash is the sum of its parts.
static_assert(total_of<zoo::lmanet_elite, int8_weights> == bytes{488'523});
static_assert(total_of<zoo::lmanet_elite, int8_constants> == bytes{9 * 5'183});
static_assert(total_of<zoo::lmanet_core, int8_constants> == bytes{9 * 4'544});
static_assert(total_of<zoo::lmanet_elite, int8_flash> == bytes{535'170});
