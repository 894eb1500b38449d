// SPDX-License-Identifier: MIT
/// \file
/// From images in memory to normalised batches at the training resolution.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <llmnas/core/random.hpp>
#include <llmnas/train/augmentation.hpp>
#include <llmnas/train/dataset.hpp>

namespace llmnas {

/// Images N x C x R x R as normalised floats, labels N as int64.
struct batch {
    at::Tensor images;
    at::Tensor labels;
};

/// Where a batch goes and how it lies there.
struct batch_layout {
    std::int32_t resolution = 160;  ///< height and width, pixels; bilinear, corners not aligned, no antialiasing
    bool channels_last = true;
    at::Device device = at::kCPU;
};

/// The images at `indices`, augmented one by one with the stream (seed, position in the batch), resized, normalised.
template <Augmentation A = no_augmentation>
[[nodiscard]] batch make_batch(const image_set& set, std::span<const std::size_t> indices, const batch_layout& layout,
                               const A& augmentation = {}, std::uint64_t seed = 0) {
    const c10::NoGradGuard guard;
    const auto n = static_cast<std::int64_t>(indices.size());
    const shape& s = set.image;
    at::Tensor raw = at::empty({n, s.channels, s.height, s.width}, at::kByte);
    at::Tensor labels = at::empty({n}, at::kLong);
    const std::span<std::uint8_t> bytes(raw.data_ptr<std::uint8_t>(), indices.size() * set.image_bytes());
    const std::span<std::int64_t> classes(labels.data_ptr<std::int64_t>(), indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) {
        splitmix64 rng{mix_seed(seed, i)};
        augmentation.apply(set.image_at(indices[i]), bytes.subspan(i * set.image_bytes(), set.image_bytes()), s, rng);
        classes[i] = set.labels[indices[i]];
    }

    const auto format = layout.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    at::Tensor x = raw.to(layout.device).to(at::kFloat).contiguous(format);
    if (s.height != layout.resolution || s.width != layout.resolution)
        x = at::upsample_bilinear2d(x, {layout.resolution, layout.resolution}, false);
    std::vector<float> factor(static_cast<std::size_t>(s.channels));
    std::vector<float> offset(factor.size());
    for (std::size_t c = 0; c < factor.size(); ++c) {
        const std::size_t known = std::min<std::size_t>(c, set.mean.size() - 1);
        factor[c] = 1 / (255 * set.deviation[known]);
        offset[c] = -set.mean[known] / set.deviation[known];
    }
    const auto each_channel = [&](std::vector<float>& v) {
        return at::from_blob(v.data(), {1, s.channels, 1, 1}, at::kFloat).clone().to(layout.device);
    };
    x.mul_(each_channel(factor)).add_(each_channel(offset));
    return {x.contiguous(format), labels.to(layout.device)};
}

}  // namespace llmnas
