// SPDX-License-Identifier: MIT
/// \file
/// Accuracy and loss of a network on an image set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <llmnas/train/batches.hpp>
#include <llmnas/train/network_module.hpp>

namespace llmnas {

/// Fractions of 1; the loss is the mean cross-entropy without label smoothing.
struct evaluation {
    double top1 = 0;
    double top5 = 0;
    double loss = 0;
    std::size_t images = 0;
    friend bool operator==(const evaluation&, const evaluation&) = default;
};

/// Runs the images through the network in evaluation mode, the module's mode is restored. Layout and device must be
/// those of the module.
[[nodiscard]] inline evaluation evaluate(network_module& net, const image_set& set, const batch_layout& layout,
                                         std::size_t batch_size = 128) {
    const c10::NoGradGuard guard;
    const bool was_training = net.is_training();
    net.eval();
    std::vector<std::size_t> indices(set.size());
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    std::int64_t hits1 = 0;
    std::int64_t hits5 = 0;
    double loss = 0;
    batch_size = std::max<std::size_t>(1, batch_size);
    for (std::size_t begin = 0; begin < set.size(); begin += batch_size) {
        const std::size_t count = std::min(batch_size, set.size() - begin);
        const batch b = make_batch(set, std::span<const std::size_t>(indices).subspan(begin, count), layout);
        const at::Tensor logits = net.forward(b.images).to(at::kFloat);
        // sum (Reduction 2): the last batch may be smaller
        loss += at::cross_entropy_loss(logits, b.labels, {}, at::Reduction::Sum).item<double>();
        const std::int64_t k = std::min<std::int64_t>(5, logits.size(1));
        const at::Tensor hits = std::get<1>(logits.topk(k, 1)).eq(b.labels.unsqueeze(1));
        hits1 += hits.select(1, 0).sum().item<std::int64_t>();
        hits5 += hits.sum().item<std::int64_t>();
    }
    net.train(was_training);
    const double n = set.size() == 0 ? 1 : static_cast<double>(set.size());
    return {static_cast<double>(hits1) / n, static_cast<double>(hits5) / n, loss / n, set.size()};
}

}  // namespace llmnas
