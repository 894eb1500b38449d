// SPDX-License-Identifier: MIT
/// \file
/// Accuracy, loss and scores by class of a network on an image set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include <llmnas/train/batches.hpp>
#include <llmnas/train/confusion_matrix.hpp>
#include <llmnas/train/network_module.hpp>

namespace llmnas {

/// Fractions of 1; the loss is the mean cross-entropy without label smoothing.
struct evaluation {
    double top1 = 0;
    double top5 = 0;
    double loss = 0;
    std::size_t images = 0;
    confusion_matrix confusion{};
    friend bool operator==(const evaluation&, const evaluation&) = default;
};

/// Asked behind every batch, with the images evaluated so far; false ends the evaluation. Empty: goes on.
using evaluation_callback = std::function<bool(std::size_t)>;

/// Runs the images through the network in evaluation mode, the module's mode is restored. Layout and device must be
/// those of the module; the network has an output a class. What the callback ended tells of the images so far.
[[nodiscard]] inline evaluation evaluate(network_module& net, const image_set& set, const batch_layout& layout,
                                         std::size_t batch_size = 128, const evaluation_callback& proceed = {}) {
    const c10::NoGradGuard guard;
    const bool was_training = net.is_training();
    net.eval();
    std::vector<std::size_t> indices(set.size());
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    evaluation e;
    e.confusion = confusion_matrix(set.classes);
    std::int64_t hits5 = 0;
    batch_size = std::max<std::size_t>(1, batch_size);
    for (std::size_t begin = 0; begin < set.size(); begin += batch_size) {
        const std::size_t count = std::min(batch_size, set.size() - begin);
        const batch b = make_batch(set, std::span<const std::size_t>(indices).subspan(begin, count), layout);
        const at::Tensor logits = net.forward(b.images).to(at::kFloat);
        // sum (Reduction 2): the last batch may be smaller
        e.loss += at::cross_entropy_loss(logits, b.labels, {}, at::Reduction::Sum).item<double>();
        const std::int64_t k = std::min<std::int64_t>(5, logits.size(1));
        const at::Tensor best = std::get<1>(logits.topk(k, 1));
        hits5 += best.eq(b.labels.unsqueeze(1)).sum().item<std::int64_t>();
        const at::Tensor first = best.select(1, 0).to(at::kCPU).contiguous();
        for (std::size_t i = 0; i < count; ++i)
            e.confusion.add(set.labels[begin + i], static_cast<std::int32_t>(first.data_ptr<std::int64_t>()[i]));
        e.images = begin + count;
        if (proceed && !proceed(e.images)) break;
    }
    net.train(was_training);
    const double n = static_cast<double>(std::max<std::size_t>(1, e.images));
    e.top1 = static_cast<double>(e.confusion.hits()) / n;
    e.top5 = static_cast<double>(hits5) / n;
    e.loss /= n;
    return e;
}

}  // namespace llmnas
