// SPDX-License-Identifier: MIT
/// \file
/// A moving average of the weights, which validates better than the last weights where the learning rate is high.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/nn/module.h>

#include <llmnas/train/state_dict.hpp>

namespace llmnas {

/// Exponential moving average of a module's parameters and running statistics (Polyak and Juditsky, "Acceleration of
/// stochastic approximation by averaging", 1992). The decay grows to its value as (1 + n) / (10 + n) over the first
/// steps, so that a short run's average does not hold on to its initialisation. With decay 0 there is none.
class weight_average {
public:
    weight_average(const torch::nn::Module& module, double decay) : decay_(decay) {
        if (decay <= 0) return;
        source_ = state_of(module).entries;
        for (const named_tensor& t : source_) tensors_.push_back({t.name, t.value.detach().clone()});
    }

    /// Takes the weights behind step n = 0, 1, ... of the run in.
    void update(std::size_t step) {
        const c10::NoGradGuard guard;
        const double n = static_cast<double>(step);
        const double decay = std::min(decay_, (1 + n) / (10 + n));
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            at::Tensor& average = tensors_[i].value;
            if (average.is_floating_point())
                average.lerp_(source_[i].value, 1 - decay);
            else
                average.copy_(source_[i].value);
        }
    }

    /// Exchanges averages and weights: once before an evaluation, once behind it.
    void swap() {
        const c10::NoGradGuard guard;
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            at::Tensor weights = source_[i].value;
            const at::Tensor kept = weights.detach().clone();
            weights.copy_(tensors_[i].value);
            tensors_[i].value.copy_(kept);
        }
    }

    /// Under the names of the module's tensors; empty where there is no average.
    [[nodiscard]] const std::vector<named_tensor>& tensors() const noexcept { return tensors_; }

private:
    double decay_;
    std::vector<named_tensor> source_;  ///< the module's own tensors
    std::vector<named_tensor> tensors_;
};

}  // namespace llmnas
