// SPDX-License-Identifier: MIT
// The built-in latency models against the measurements behind them, and what no latency model may do.
#include <boost/hana/unpack.hpp>

#include <llmnas/core/network.hpp>
#include <llmnas/cost/latency_list.hpp>
#include <llmnas/zoo/list.hpp>

using namespace llmnas;

static_assert(boost::hana::unpack(latency_models,
                                  [](auto... m) { return (LatencyModel<typename decltype(m)::type> && ...); }));
static_assert(!LatencyModel<latency_fit>);

constexpr graph_view networks[] = {
    network<zoo::mcunet_vww0>::view, network<zoo::mcunet_vww1>::view, network<zoo::mcunet_vww2>::view,
    network<zoo::mcunet_in0>::view,  network<zoo::mcunet_in1>::view,  network<zoo::mcunet_in2>::view,
    network<zoo::mcunet_in3>::view,  network<zoo::mcunet_in4>::view,  network<zoo::proxyless_w03>::view};

// Milliseconds, README of mit-han-lab/tinyengine; 0: out of memory. The constants reproduce them within the errors that
// they state, which are larger: those of networks left out of the fit.
template <LatencyModel Model>
constexpr bool reproduces(const double (&measured)[9]) {
    double sum = 0, n = 0;
    for (std::size_t i = 0; i < 9; ++i) {
        if (measured[i] == 0) continue;
        const double off = Model::latency(networks[i]).value / measured[i] - 1;
        if ((off < 0 ? -off : off) > Model::fit.worst_error) return false;
        sum += off < 0 ? -off : off;
        n += 1;
    }
    return sum / n <= Model::fit.mean_error;
}
static_assert(reproduces<stm32h743_480mhz::tflm>({587, 1120, 5310, 586, 1227, 6463, 7821, 0, 3801}));
static_assert(reproduces<stm32h743_480mhz::cmsis_nn>({53, 97, 478, 51, 103, 642, 770, 0, 380}));
static_assert(reproduces<stm32h743_480mhz::x_cube_ai>({32, 57, 269, 35, 63, 351, 414, 516, 205}));
static_assert(reproduces<stm32h743_480mhz::tinyengine>({27, 51, 234, 25, 56, 280, 336, 463, 176}));

// The features are a partition of MACs.
constexpr bool partition_of_macs(const graph_view& g) {
    const latency_features f = features_of(g);
    return f.dense() + f.depthwise() == total<mac_count>(g) && f.operators == g.ops.size();
}
static_assert(partition_of_macs(network<zoo::lmanet_elite>::view));
static_assert(partition_of_macs(network<zoo::xinet_l5>::view));
static_assert(features_of(network<zoo::ds_cnn>::view).full == macs{4 * 10 * 64 * 25 * 5});
static_assert(features_of(network<zoo::lmanet_elite>::view).depthwise7.value > 0);

// More work takes more time: wider, deeper or at a higher resolution.
template <LatencyModel Model>
constexpr bool monotone() {
    double last = 0;
    const auto slower = [&last](const auto& net) {
        const auto g = lower_into<64, 80>(net);
        const double now = Model::latency(g.view()).value;
        const bool ok = !g.error && now > last;
        last = now;
        return ok;
    };
    for (const std::int32_t resolution : {96, 128, 160, 224})
        if (!slower(zoo::mobilenet_v2({.width = {1, 2}, .resolution = resolution}))) return false;
    last = 0;
    for (const std::int32_t quarters : {1, 2, 3, 4, 5})
        if (!slower(zoo::mobilenet_v1({.width = {quarters, 4}}))) return false;
    last = 0;
    for (std::int32_t layers = 1; layers <= 6; ++layers) {
        auto net = zoo::mobilenet_v1();
        net.stages[4].num_layers = layers;
        if (!slower(net)) return false;
    }
    return Model::fit.dense > 0 && Model::fit.depthwise > 0 && Model::fit.maps >= 0 && Model::fit.weights >= 0;
}
static_assert(boost::hana::unpack(latency_models,
                                  [](auto... m) { return (monotone<typename decltype(m)::type>() && ...); }));

// Networks with operators that the fits have not seen.
static_assert(first_unseen_operator(network<zoo::mcunet_in4>::view) == -1);
static_assert(first_unseen_operator(network<zoo::mobilenet_v2_035_144>::view) == -1);
static_assert(first_unseen_operator(network<zoo::resnet8>::view) == 1, "a full convolution of 16 channels");
static_assert(network<zoo::lmanet_elite>::view
                  .ops[static_cast<std::size_t>(first_unseen_operator(network<zoo::lmanet_elite>::view))]
                  .activation == activation_kind::leaky_relu);
static_assert(first_unseen_operator(network<zoo::xinet_l5>::view) == 0, "SiLU behind the stem");

struct huge_design {
    shape input{max_extent, max_extent, max_extent};
    constexpr void lower(graph_builder& g) const {
        g.conv(g.input(), role::stem,
               {.out_channels = max_extent, .kernel_h = 255, .kernel_w = 255, .pad = half_padding(255)});
    }
};
// Sizes that overflow saturate.
static_assert(stm32h743_480mhz::tinyengine::latency(network<huge_design{}>::view).value > 1e12);
