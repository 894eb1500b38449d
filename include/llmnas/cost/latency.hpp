// SPDX-License-Identifier: MIT
/// \file
/// Latency models are policies: time of one inference of a lowered network on one processor under one engine. Built in
/// are models fitted to measurements, each with its error.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llmnas/cost/terms.hpp>

namespace llmnas {

/// A time. The unit is part of the type.
struct milliseconds {
    double value = 0;
    friend constexpr auto operator<=>(const milliseconds&, const milliseconds&) = default;
};

/// Time of one inference with a batch of one, int8.
template <class M>
concept LatencyModel = requires(const M& m, const graph_view& g) {
    { m.name } -> std::convertible_to<std::string_view>;
    { m.latency(g) } -> std::same_as<milliseconds>;
};

/// What latency is made of, by classes of operators. Sums saturate.
struct latency_features {
    macs pointwise;   ///< 1x1 convolutions
    macs full;        ///< other convolutions that are not depthwise
    macs linear;      ///< linear layers
    macs depthwise3;  ///< depthwise convolutions with kernels up to 3x3
    macs depthwise5;  ///< up to 5x5
    macs depthwise7;  ///< larger ones
    bytes maps;       ///< inputs read and outputs written, of every operator
    bytes weights;    ///< int8 weights read
    std::size_t operators = 0;

    [[nodiscard]] constexpr macs dense() const noexcept { return pointwise + full + linear; }
    [[nodiscard]] constexpr macs depthwise() const noexcept { return depthwise3 + depthwise5 + depthwise7; }
};

[[nodiscard]] constexpr latency_features features_of(const graph_view& g) noexcept {
    latency_features f;
    f.operators = g.ops.size();
    for (const op& o : g.ops) {
        for (const std::int32_t tensor : g.inputs_of(o)) f.maps += int8_size(g.shape_of(tensor));
        f.maps += int8_size(o.out);
        f.weights += bytes{weight_count(o)};
        const std::int64_t window = std::int64_t{o.kernel_h} * o.kernel_w;
        macs& of_class = o.kind == op_kind::linear ? f.linear
                         : o.is_pointwise()        ? f.pointwise
                         : !o.is_depthwise()       ? f.full
                         : window <= 9             ? f.depthwise3
                         : window <= 25            ? f.depthwise5
                                                   : f.depthwise7;
        of_class += mac_count::of(o);
    }
    return f;
}

/// Milliseconds for a million of each feature, none negative, so that a larger network is never faster; and how far off
/// they were when each network of the fit was predicted from the others (leave-one-out), as fractions of the measured
/// time.
struct latency_fit {
    double dense = 0;      ///< MACs of convolutions that mix channels, and of linear layers
    double depthwise = 0;  ///< MACs of depthwise convolutions
    double maps = 0;       ///< bytes of maps read and written
    double weights = 0;    ///< bytes of weights
    double mean_error = 0;
    double worst_error = 0;

    [[nodiscard]] constexpr milliseconds predict(const latency_features& f) const noexcept {
        const auto millions = [](std::uint64_t n) { return static_cast<double>(n) / 1e6; };
        return {dense * millions(f.dense().value) + depthwise * millions(f.depthwise().value) +
                maps * millions(f.maps.value) + weights * millions(f.weights.value)};
    }
};

/// A latency model by its static member `fit`: `struct mine : fitted_latency<mine>`.
template <class Model>
struct fitted_latency {
    [[nodiscard]] static constexpr milliseconds latency(const graph_view& g) noexcept {
        return Model::fit.predict(features_of(g));
    }
};

/// Index of the first operator of a kind that none of the networks behind the built-in models has, -1 without one. Such
/// a network gets a prediction, but the stated error says nothing about it: full convolutions of more than three
/// channels, squeeze-and-excitation, concatenation, pooling inside the network, grouped convolutions, kernels above 7,
/// and activations other than ReLU and ReLU6.
[[nodiscard]] constexpr std::int32_t first_unseen_operator(const graph_view& g) noexcept {
    const auto seen = [](const op& o) {
        const bool relu = o.activation == activation_kind::none || o.activation == activation_kind::relu ||
                          o.activation == activation_kind::relu6;
        if (!relu) return false;
        if (o.kind == op_kind::conv)
            return o.kernel_h <= 7 && o.kernel_w <= 7 &&
                   (o.is_pointwise() || o.is_depthwise() || (o.groups == 1 && o.in.channels <= 3));
        return o.kind == op_kind::linear || o.kind == op_kind::add ||
               (o.kind == op_kind::global_avg_pool && o.from.role == role::head_pool);
    };
    for (std::size_t i = 0; i < g.ops.size(); ++i)
        if (!seen(g.ops[i])) return static_cast<std::int32_t>(i);
    return -1;
}

/// STM32H743 (Cortex-M7) at 480 MHz: fits to the latencies of the nine networks of the MCUNet family that the
/// repository mit-han-lab/tinyengine publishes (mcunet_in4 does not run under the first two engines).
/// benchmarks/latency computes coefficients and errors; docs/latency_models.md has the comparison with a straight line
/// in MACs.
namespace stm32h743_480mhz {

/// TensorFlow Lite Micro with its reference kernels.
struct tflm : fitted_latency<tflm> {
    static constexpr std::string_view name = "STM32H743 480 MHz, TFLM";
    static constexpr latency_fit fit{
        .dense = 71.26, .depthwise = 89.38, .maps = 271.6, .weights = 0, .mean_error = 0.0055, .worst_error = 0.0212};
};

/// TensorFlow Lite Micro with CMSIS-NN.
struct cmsis_nn : fitted_latency<cmsis_nn> {
    static constexpr std::string_view name = "STM32H743 480 MHz, CMSIS-NN";
    static constexpr latency_fit fit{.dense = 1.042,
                                     .depthwise = 16.32,
                                     .maps = 51.67,
                                     .weights = 7.784,
                                     .mean_error = 0.01047,
                                     .worst_error = 0.0221};
};

/// ST's X-CUBE-AI 7.3.
struct x_cube_ai : fitted_latency<x_cube_ai> {
    static constexpr std::string_view name = "STM32H743 480 MHz, X-CUBE-AI 7.3";
    static constexpr latency_fit fit{.dense = 2.04,
                                     .depthwise = 7.646,
                                     .maps = 17.83,
                                     .weights = 11.36,
                                     .mean_error = 0.0127,
                                     .worst_error = 0.0274};
};

/// TinyEngine (Lin et al., "MCUNet", NeurIPS 2020).
struct tinyengine : fitted_latency<tinyengine> {
    static constexpr std::string_view name = "STM32H743 480 MHz, TinyEngine";
    static constexpr latency_fit fit{
        .dense = 2.411, .depthwise = 2.741, .maps = 23.69, .weights = 0, .mean_error = 0.0194, .worst_error = 0.0537};
};

}  // namespace stm32h743_480mhz
}  // namespace llmnas
