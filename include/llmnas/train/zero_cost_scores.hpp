// SPDX-License-Identifier: MIT
/// \file
/// Scores of untrained networks (core/zero_cost_score.hpp).
#pragma once

#include <cmath>
#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/zero_cost_score.hpp>
#include <llmnas/train/batches.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/network_module.hpp>

namespace llmnas {

namespace detail {
/// What torch throws is an error.
template <class F>
[[nodiscard]] result<double> scored(std::string_view name, const F& score) {
    try {
        const double value = score();
        if (std::isfinite(value)) return value;
        return fail(errc::training, fmt::format("score {} is not finite", name), {}, fmt::format("{}", value));
    } catch (const std::exception& e) {
        return fail(errc::training, fmt::format("score {} failed: {}", name, first_line_of(e)));
    }
}
}  // namespace detail

/// Logarithm of the synaptic flow: the sum over all weights of |w dR/dw|, R the sum of the logits for an image of equal
/// pixels when all weights are positive (Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by
/// iteratively conserving synaptic flow", 2020). Batch norms are those of a new network, which change nothing. The
/// pixels are so small that ReLU6, SiLU and the sigmoid of squeeze-and-excite stay at their origin: what flows is
/// proportional to them, and the logarithm differs by the same number for all networks.
struct synaptic_flow {
    std::int32_t resolution = 64;

    [[nodiscard]] static std::string_view name() { return "synflow"; }

    [[nodiscard]] result<double> operator()(const graph_view& net, std::uint64_t seed) const {
        return detail::scored(name(), [&] {
            network_module module(net, seed);
            module.to(at::kDouble);
            module.eval();
            {
                const c10::NoGradGuard guard;
                for (at::Tensor& p : module.parameters()) p.abs_();
            }
            constexpr double pixel = 1e-100;
            const at::Tensor image = at::full({1, net.input.channels, resolution, resolution}, pixel, at::kDouble);
            module.forward(image).sum().backward();
            double flow = 0;
            for (const at::Tensor& p : module.parameters())
                if (p.grad().defined()) flow += (p.detach() * p.grad()).abs().sum().item<double>();
            return std::log(flow) - std::log(pixel);
        });
    }
};

/// How differently images light up the units behind activations: log |det K|, where K counts for each two images the
/// units that are on for both or for neither (Mellor, Turner, Storkey, Crowley, "Neural architecture search without
/// training", 2021).
struct activation_overlap {
    std::shared_ptr<const training_data> data;
    std::int32_t images = 64;  ///< of the training split, a stratified subset
    std::int32_t resolution = 64;

    [[nodiscard]] static std::string_view name() { return "naswot"; }

    [[nodiscard]] result<double> operator()(const graph_view& net, std::uint64_t seed) const {
        return detail::scored(name(), [&] {
            const auto& train = data->train;
            const auto chosen = stratified_indices(train.labels, train.classes, static_cast<std::size_t>(images), 0);
            const batch b = make_batch(train, chosen, {.resolution = resolution});
            network_module module(net, seed);
            module.train();  // a new network's running statistics say nothing
            const c10::NoGradGuard guard;
            const auto n = static_cast<std::int64_t>(chosen.size());
            at::Tensor kernel = at::zeros({n, n}, at::kDouble);
            static_cast<void>(module.forward(b.images, [&](const op& o, const at::Tensor& map) {
                if (o.activation == activation_kind::none || o.activation == activation_kind::sigmoid) return;
                const at::Tensor on = (map > 0).flatten(1).to(at::kFloat);
                const at::Tensor off = 1 - on;
                kernel += (on.mm(on.t()) + off.mm(off.t())).to(at::kDouble);
            }));
            return std::get<1>(at::slogdet(kernel)).item<double>();
        });
    }
};

static_assert(ZeroCostScore<synaptic_flow> && ZeroCostScore<activation_overlap>);

}  // namespace llmnas
