// SPDX-License-Identifier: MIT
/// \file
/// Stochastic gradient descent with momentum. Our own few lines rather than torch::optim: the state is one tensor a
/// parameter, which makes a checkpoint of it plain.
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace llmnas {

struct sgd_options {
    double momentum = 0.9;
    bool nesterov = true;
    double weight_decay = 1e-4;  ///< on all parameters, as torch.optim.SGD
};

/// As torch.optim.SGD (Sutskever et al., "On the importance of initialization and momentum", 2013), dampening 0.
class sgd {
public:
    explicit sgd(std::vector<at::Tensor> parameters, sgd_options options = {})
        : parameters_(std::move(parameters)), options_(options) {
        const c10::NoGradGuard guard;
        momentum_.reserve(parameters_.size());
        for (const at::Tensor& p : parameters_) momentum_.push_back(at::zeros_like(p));
    }

    /// Forgets the gradients.
    void clear_gradients() {
        for (at::Tensor& p : parameters_) p.mutable_grad().reset();
    }

    /// Multiplies the gradients; whether all of them are finite.
    [[nodiscard]] bool scale_gradients(double factor) {
        const c10::NoGradGuard guard;
        std::vector<at::Tensor> sums;
        for (at::Tensor& p : parameters_)
            if (p.grad().defined()) sums.push_back(p.mutable_grad().mul_(factor).sum());
        return sums.empty() || at::isfinite(at::stack(sums).sum()).item<bool>();
    }

    /// Scales the gradients down to this norm over all parameters, where it is larger.
    void clip(double norm) {
        const c10::NoGradGuard guard;
        std::vector<at::Tensor> norms;
        for (const at::Tensor& p : parameters_)
            if (p.grad().defined()) norms.push_back(p.grad().norm());
        if (norms.empty()) return;
        const double total = at::stack(norms).norm().item<double>();
        if (!(total > norm)) return;
        for (at::Tensor& p : parameters_)
            if (p.grad().defined()) p.mutable_grad().mul_(norm / total);
    }

    /// One update; writes into the gradients too.
    void step(double learning_rate) {
        const c10::NoGradGuard guard;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            at::Tensor& p = parameters_[i];
            if (!p.grad().defined()) continue;
            at::Tensor g = p.grad();
            if (options_.weight_decay != 0) g.add_(p, options_.weight_decay);
            momentum_[i].mul_(options_.momentum).add_(g);
            if (options_.nesterov)
                p.add_(g.add_(momentum_[i], options_.momentum), -learning_rate);
            else
                p.add_(momentum_[i], -learning_rate);
        }
    }

    /// One buffer a parameter, in order: the whole state.
    [[nodiscard]] std::vector<at::Tensor>& momentum() noexcept { return momentum_; }

private:
    std::vector<at::Tensor> parameters_;
    std::vector<at::Tensor> momentum_;
    sgd_options options_;
};

}  // namespace llmnas
