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
#include <ATen/Parallel.h>

#include <llmnas/core/random.hpp>
#include <llmnas/train/augmentation.hpp>
#include <llmnas/train/dataset.hpp>
#include <llmnas/train/mix_up.hpp>
#include <llmnas/train/normalisation.hpp>
#include <llmnas/train/resize.hpp>

namespace llmnas {

/// Images N x C x R x R as normalised floats, labels N as int64.
struct batch {
    at::Tensor images;
    at::Tensor labels;
    at::Tensor partner_labels;  ///< of the images that were blended in; undefined where nothing was
    double share = 1;           ///< of the first labels

    /// Mean cross-entropy, each image's with both its labels by their shares.
    [[nodiscard]] at::Tensor loss(const at::Tensor& logits, double label_smoothing) const {
        const auto against = [&](const at::Tensor& target) {
            return at::cross_entropy_loss(logits, target, {}, at::Reduction::Mean, -100, label_smoothing);
        };
        if (!partner_labels.defined()) return against(labels);
        return share * against(labels) + (1 - share) * against(partner_labels);
    }
};

/// Where a batch goes and how it lies there.
struct batch_layout {
    std::int32_t resolution = 160;  ///< height and width, pixels
    bool channels_last = true;
    at::Device device = at::kCPU;
};

/// Makes batches out of one set. An image is augmented where the augmentation wants it, resized as PIL does and
/// normalised; what is drawn for it depends on (seed, its index in the set) alone, and the blending of a batch on
/// (seed, number of the batch): neither threads nor the order of the work show. Images are prepared on the CPU, on raw
/// memory; for another device in pinned memory. Immutable: threads share one; the set must outlive it.
template <Augmentation A>
class batch_maker {
public:
    batch_maker(const image_set& set, const batch_layout& layout, A augmentation = {}, mix_up mixing = {})
        : set_(&set),
          layout_(layout),
          augmentation_(std::move(augmentation)),
          mixing_(mixing),
          resize_(set.image.height, set.image.width, layout.resolution, layout.resolution),
          normalise_(static_cast<std::size_t>(set.image.channels), set.mean, set.deviation) {}

    /// What a thread needs for itself.
    struct workspace {
        working_image image;
        std::vector<std::uint8_t> pixels;
    };

    /// Memory for the images of a batch.
    [[nodiscard]] at::Tensor memory_for(std::size_t images) const {
        const auto format = layout_.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
        return at::empty(
            {static_cast<std::int64_t>(images), set_->image.channels, layout_.resolution, layout_.resolution},
            at::TensorOptions(at::kFloat).pinned_memory(!layout_.device.is_cpu()), format);
    }

    /// The images of a batch, on the calling thread, into memory of memory_for(); `number` is the batch's.
    [[nodiscard]] batch make(std::span<const std::size_t> indices, std::uint64_t seed, std::uint64_t number,
                             at::Tensor images, workspace& w) const {
        batch b;
        b.images = std::move(images);
        b.labels = labels_of(indices);
        splitmix64 rng{mix_seed(~seed, number)};
        const mixture m = mixing_.draw(indices.size(), rng);
        auto* out = b.images.template data_ptr<float>();
        if (m.partners.empty()) {
            write_images(indices, seed, out, w);
            return b;
        }
        b.share = m.share;
        std::vector<std::size_t> partners(indices.size());
        for (std::size_t i = 0; i < partners.size(); ++i) partners[i] = indices[m.partners[i]];
        b.partner_labels = labels_of(partners);
        w.pixels.resize(indices.size() * image_values());
        for (std::size_t i = 0; i < indices.size(); ++i) {
            prepare(indices[i], seed, w.image);
            std::copy_n(w.image.pixels(), image_values(), w.pixels.data() + i * image_values());
        }
        const std::uint8_t* pixels = w.pixels.data();
        for (std::size_t i = 0; i < indices.size(); ++i)
            normalise_.write_mixed(pixels + i * image_values(), pixels + m.partners[i] * image_values(),
                                   static_cast<float>(m.share), w.image.plane(), layout_.channels_last,
                                   out + i * image_values());
        return b;
    }

    /// Without blending, on all of torch's threads.
    [[nodiscard]] batch make_in_parallel(std::span<const std::size_t> indices, std::uint64_t seed) const {
        batch b;
        b.images = memory_for(indices.size());
        b.labels = labels_of(indices);
        auto* out = b.images.template data_ptr<float>();
        at::parallel_for(0, static_cast<std::int64_t>(indices.size()), 4, [&](std::int64_t begin, std::int64_t end) {
            workspace w;
            const auto first = static_cast<std::size_t>(begin);
            write_images(indices.subspan(first, static_cast<std::size_t>(end) - first), seed,
                         out + first * image_values(), w);
        });
        return b;
    }

    /// The batch on the layout's device. The copy out of pinned memory is not waited for: torch's operators queue
    /// behind it, and its allocator keeps the memory until it is done.
    [[nodiscard]] batch delivered(batch b) const {
        if (layout_.device.is_cpu()) return b;
        const auto send = [this](const at::Tensor& t) { return t.to(layout_.device, t.scalar_type(), true); };
        b.images = send(b.images);
        b.labels = send(b.labels);
        if (b.partner_labels.defined()) b.partner_labels = send(b.partner_labels);
        return b;
    }

    [[nodiscard]] const batch_layout& layout() const noexcept { return layout_; }

private:
    [[nodiscard]] std::size_t image_values() const noexcept {
        return static_cast<std::size_t>(shape{set_->image.channels, layout_.resolution, layout_.resolution}.elements());
    }

    [[nodiscard]] at::Tensor labels_of(std::span<const std::size_t> indices) const {
        at::Tensor labels = at::empty({static_cast<std::int64_t>(indices.size())},
                                      at::TensorOptions(at::kLong).pinned_memory(!layout_.device.is_cpu()));
        for (std::size_t i = 0; i < indices.size(); ++i) labels.data_ptr<std::int64_t>()[i] = set_->labels[indices[i]];
        return labels;
    }

    void prepare(std::size_t index, std::uint64_t seed, working_image& image) const {
        splitmix64 rng{mix_seed(seed, index)};
        image.load(set_->image_at(index), set_->image);
        const bool before = augmentation_.before_resize();
        if (before) augmentation_.apply(image, rng);
        resize_(image);
        if (!before) augmentation_.apply(image, rng);
    }

    void write_images(std::span<const std::size_t> indices, std::uint64_t seed, float* out, workspace& w) const {
        for (std::size_t i = 0; i < indices.size(); ++i) {
            prepare(indices[i], seed, w.image);
            normalise_.write(w.image, layout_.channels_last, out + i * image_values());
        }
    }

    const image_set* set_;
    batch_layout layout_;
    A augmentation_;
    mix_up mixing_;
    bilinear_resize resize_;
    normalisation normalise_;
};

/// One batch: the images at `indices`, in this order. For many see batch_stream.
template <Augmentation A = no_augmentation>
[[nodiscard]] batch make_batch(const image_set& set, std::span<const std::size_t> indices, const batch_layout& layout,
                               const A& augmentation = {}, std::uint64_t seed = 0) {
    const batch_maker<A> maker(set, layout, augmentation);
    return maker.delivered(maker.make_in_parallel(indices, seed));
}

}  // namespace llmnas
