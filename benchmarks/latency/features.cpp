// SPDX-License-Identifier: MIT
// The features of the nine networks whose latencies are published, and what the built-in models say of them, as JSON
// for fit.py.
#include <cstdio>

#include <llmnas/core/network.hpp>
#include <llmnas/cost/latency.hpp>
#include <llmnas/zoo/mcunet.hpp>

using namespace llmnas;

namespace {

template <const auto& Design>
void print(const char* name, const char* separator = ",") {
    constexpr graph_view g = network<Design>::view;
    constexpr latency_features f = features_of(g);
    const auto number = [](const char* key, std::uint64_t value) {
        std::printf("\"%s\": %llu, ", key, static_cast<unsigned long long>(value));
    };
    std::printf("\"%s\": {", name);
    number("pointwise", f.pointwise.value), number("full", f.full.value), number("linear", f.linear.value);
    number("depthwise3", f.depthwise3.value), number("depthwise5", f.depthwise5.value);
    number("depthwise7", f.depthwise7.value), number("maps", f.maps.value), number("weights", f.weights.value);
    number("operators", f.operators);
    std::printf("\"models\": {\"TFLM\": %.3f, \"CMSIS-NN\": %.3f, \"X-CUBE-AI 7.3\": %.3f, \"TinyEngine\": %.3f}}%s\n",
                stm32h743_480mhz::tflm::latency(g).value, stm32h743_480mhz::cmsis_nn::latency(g).value,
                stm32h743_480mhz::x_cube_ai::latency(g).value, stm32h743_480mhz::tinyengine::latency(g).value,
                separator);
}

}  // namespace

int main() {
    std::puts("{");
    print<zoo::mcunet_vww0>("mcunet_vww0");
    print<zoo::mcunet_vww1>("mcunet_vww1");
    print<zoo::mcunet_vww2>("mcunet_vww2");
    print<zoo::mcunet_in0>("mcunet_in0");
    print<zoo::mcunet_in1>("mcunet_in1");
    print<zoo::mcunet_in2>("mcunet_in2");
    print<zoo::mcunet_in3>("mcunet_in3");
    print<zoo::mcunet_in4>("mcunet_in4");
    print<zoo::proxyless_w03>("proxyless_w03", "");
    std::puts("}");
}
