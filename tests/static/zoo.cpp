// SPDX-License-Identifier: MIT
// Every network of the zoo at its published resolution. Where the source publishes an exact count or layers (model
// files, configurations, code), the integers here are that count or were recomputed from those layers by a program of
// its own, outside this library; tests/unit/zoo has the independent definitions of the MobileNets and of XiNet.
#include <boost/hana/unpack.hpp>

#include <llmnas/cost/costs.hpp>
#include <llmnas/zoo/list.hpp>

using namespace llmnas;

template <const auto& Design>
constexpr bool costs_are(std::uint64_t macs_wanted, std::uint64_t params_wanted) {
    constexpr costs c = costs_of<network<Design>>;
    return c.mac_count == macs{macs_wanted} && c.parameters == params{params_wanted};
}

// Published as 81.96 / 76.43 M by the weights; the paper prints 86 and 82 M (ptflops, docs/cost.md).
static_assert(costs_are<zoo::lmanet_elite>(81'963'264, 497'997));
static_assert(costs_are<zoo::lmanet_core>(76'432'000, 453'220));

// README of mit-han-lab/mcunet: 6.4, 12.8, 67.3, 81.8, 125.9 M and 0.75, 0.64, 0.73, 0.74, 1.73 M; VWW 6.0, 11.6,
// 55.8 M and 0.37, 0.43, 0.64 M; baselines 38.3 and 23.5 M, 0.75 M each. All agree to the digits printed.
static_assert(costs_are<zoo::mcunet_in0>(6'364'224, 749'840));
static_assert(costs_are<zoo::mcunet_in1>(12'790'096, 636'232));
static_assert(costs_are<zoo::mcunet_in2>(67'287'200, 729'392));
static_assert(costs_are<zoo::mcunet_in3>(81'785'520, 737'408));
static_assert(costs_are<zoo::mcunet_in4>(125'874'400, 1'732'640));
static_assert(costs_are<zoo::mcunet_vww0>(5'958'400, 368'970));
static_assert(costs_are<zoo::mcunet_vww1>(11'578'816, 432'746));
static_assert(costs_are<zoo::mcunet_vww2>(55'771'280, 639'258));
static_assert(costs_are<zoo::proxyless_w03>(38'282'216, 754'280));
static_assert(costs_are<zoo::mcunet_mbv2_w035>(23'499'152, 750'280));

// MobileNetV1: 569 M, 4.2 M. MobileNetV2: 300 M; 3.4 M where the common implementations and these layers have 3.50 M.
static_assert(costs_are<zoo::mobilenet_v1_100_224>(568'740'352, 4'231'976));
static_assert(costs_are<zoo::mobilenet_v2_100_224>(300'774'272, 3'504'872));
// With the authors' last convolution of 1280 channels at every width (mcunet's baseline above narrows it).
static_assert(costs_are<zoo::mobilenet_v2_035_144>(26'660'752, 1'677'128));

// README: 407 M multiply-adds, which is 21.8 M more than convolutions and the classifier of its own layers; 4.7 M.
static_assert(costs_are<zoo::efficientnet_lite0>(385'187'552, 4'652'008));

static_assert(costs_are<zoo::xinet_l5>(87'475'200, 515'508));
static_assert(costs_are<zoo::xinet_l6>(100'249'600, 1'993'140));
static_assert(costs_are<zoo::xinet_l7>(97'200'128, 7'831'988));
constexpr auto xinet_l7_at_128 = zoo::xinet<7>({.resolution = 128});
static_assert(costs_are<xinet_l7_at_128>(72'372'224, 7'831'988));

// With batch norm folded; Keras counts 78,666, 24,908 and 221,794 with the four numbers a channel of its batch norms.
static_assert(costs_are<zoo::resnet8>(12'501'632, 77'706));
static_assert(costs_are<zoo::ds_cnn>(2'656'768, 22'604));
static_assert(costs_are<zoo::mobilenet_v1_025>(7'489'664, 210'850));

// The whole list lowers and is judged at compile time, within the compilers' default limits.
static_assert(boost::hana::unpack(zoo::entries, [](auto... entries) {
    return (true && ... && [](auto entry) {
        using E = typename decltype(entry)::type;
        constexpr costs c = costs_of<network<E::design>>;
        return !E::name.empty() && !E::source.empty() && c.sram.size > bytes{0} && c.sram.size < 2_MiB &&
               c.flash < 9_MB && network<E::design>::view.output().channels == E::design.classes;
    }(entries));
}));

// Options out of range are errors of the design, not of the function.
static_assert(check(zoo::mobilenet_v2({.width = {0, 1}})).code == graph_errc::channels);
static_assert(check(zoo::mobilenet_v2({.width = {1, 0}})).code == graph_errc::channels);
static_assert(check(zoo::mobilenet_v1({.width = {-1, 4}})).code == graph_errc::channels);
static_assert(check(zoo::mobilenet_v1({.width = {2'147'483'647, 1}})).code == graph_errc::channels);
static_assert(check(zoo::mobilenet_v2({.width = {2'147'483'647, 1}})).code == graph_errc::channels);
static_assert(check(zoo::mobilenet_v2({.resolution = 0})).code == graph_errc::input_size);
static_assert(check(zoo::xinet<5>({.alpha = {1, 0}})).code == graph_errc::channels);
static_assert(check(zoo::xinet<5>({.gamma = 0})).code == graph_errc::compression);
static_assert(check(zoo::xinet<5>({.gamma = 64})).code == graph_errc::channels, "32 / 64 channels");
static_assert(check(zoo::xinet<5>({.resolution = 8})).code == graph_errc::kernel_exceeds_map, "pooling a single pixel");
