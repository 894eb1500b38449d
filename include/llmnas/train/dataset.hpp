// SPDX-License-Identifier: MIT
/// \file
/// Data sets as a policy: images in memory with their labels, stratified subsets, the validation split, and a test
/// split that only a final report opens. No torch: batches become tensors in train/batches.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/shape.hpp>

namespace llmnas {

/// Labelled images of one shape, one byte a value.
struct image_set {
    std::string name;        ///< what it is and which split, for journals: "CIFAR-100 train"
    shape image{3, 32, 32};  ///< channels x height x width
    std::int32_t classes = 0;
    std::vector<std::uint8_t> pixels = {};                ///< N x C x H x W, planar
    std::vector<std::int32_t> labels = {};                ///< N, each in 0 .. classes - 1
    std::array<float, 3> mean{0.5F, 0.5F, 0.5F};          ///< a channel, of values / 255
    std::array<float, 3> deviation{0.25F, 0.25F, 0.25F};  ///< a channel, of values / 255
    std::vector<std::string> class_names = {};            ///< one a class, or none where the set has no names

    [[nodiscard]] std::size_t size() const noexcept { return labels.size(); }
    [[nodiscard]] std::size_t image_bytes() const noexcept { return static_cast<std::size_t>(image.elements()); }
    [[nodiscard]] std::span<const std::uint8_t> image_at(std::size_t i) const noexcept {
        return std::span<const std::uint8_t>(pixels).subspan(i * image_bytes(), image_bytes());
    }
};

/// Tells sets apart by their bytes and labels: names do not say how a split was drawn.
[[nodiscard]] inline std::uint64_t content_hash(const image_set& set) noexcept {
    std::uint64_t h = 0x9E3779B97F4A7C15U ^ set.pixels.size();
    const auto mix = [&h](std::uint64_t word) {
        h = (h ^ word) * 0xBF58476D1CE4E5B9U;
        h ^= h >> 29U;
    };
    std::size_t i = 0;
    for (; i + sizeof(std::uint64_t) <= set.pixels.size(); i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, set.pixels.data() + i, sizeof word);
        mix(word);
    }
    for (; i < set.pixels.size(); ++i) mix(set.pixels[i]);
    for (const std::int32_t label : set.labels) mix(static_cast<std::uint64_t>(label));
    return h;
}

/// What training and search see of a data set: its training file in two disjoint parts. The test split is of another
/// type and converts to neither.
struct training_data {
    image_set train;
    image_set validation;
};

/// Images for the one evaluation behind a finished search or training. Nothing that trains or chooses takes this type,
/// and tests/tools/layering.py refuses the name for_final_report in what searches and trains.
class test_split {
public:
    explicit test_split(image_set images) : images_(std::move(images)) {}

    [[nodiscard]] const std::string& name() const noexcept { return images_.name; }
    [[nodiscard]] std::size_t size() const noexcept { return images_.size(); }
    [[nodiscard]] const image_set& for_final_report() const& noexcept { return images_; }

private:
    image_set images_;
};

/// Which images are held out of a training file for validation.
struct holdout {
    std::size_t images = 0;  ///< 0: as many as the data set holds out by itself
    std::uint64_t seed = 0;
};

/// Where images come from. load() gives the same split for equal arguments on every machine; both may be called from
/// several processes. Errors: unavailable (not there), io, bad_input (file, place, found, wanted).
template <class D>
concept Dataset = requires(const D& d, const holdout& h) {
    { d.name() } -> std::convertible_to<std::string>;
    { d.load(h) } -> std::same_as<result<training_data>>;
    { d.load_test() } -> std::same_as<result<test_split>>;
};

/// Whether an image set is what its fields say: bytes for every label, labels in range, a name for every class or for
/// none; and, for images to train on, an image of every class. bad_input with the set, the place, what is there and
/// what should be.
[[nodiscard]] inline result<void> check_images(const image_set& set, bool of_every_class) {
    const auto refuse = [&](std::string what, std::string got, std::string wanted) {
        return fail(errc::bad_input, std::move(what), set.name, std::move(got), std::move(wanted));
    };
    const auto [channels, height, width] = set.image;
    if (channels < 1 || height < 1 || width < 1)
        return refuse("images without pixels", fmt::format("{}x{}x{}", channels, height, width), "positive extents");
    if (set.classes < 2) return refuse("too few classes", fmt::format("{}", set.classes), "at least 2");
    const auto classes = static_cast<std::size_t>(set.classes);
    if (!set.class_names.empty() && set.class_names.size() != classes)
        return refuse("wrong number of class names", fmt::format("{}", set.class_names.size()),
                      fmt::format("{}", classes));
    if (set.pixels.size() / set.image_bytes() != set.size() || set.pixels.size() % set.image_bytes() != 0)
        return refuse("pixels and labels differ in number", fmt::format("{} bytes", set.pixels.size()),
                      fmt::format("{} images of {} bytes", set.size(), set.image_bytes()));
    std::vector<std::size_t> count(classes);
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (set.labels[i] < 0 || set.labels[i] >= set.classes)
            return refuse(fmt::format("label of image {} out of range", i), fmt::format("{}", set.labels[i]),
                          fmt::format("0..{}", set.classes - 1));
        ++count[static_cast<std::size_t>(set.labels[i])];
    }
    const auto none = std::find(count.begin(), count.end(), std::size_t{0});
    if (!of_every_class || none == count.end()) return {};
    const auto c = static_cast<std::size_t>(none - count.begin());
    return refuse("a class without images",
                  fmt::format("none of class {}{}", c, set.class_names.empty() ? "" : ": " + set.class_names[c]),
                  fmt::format("images of all {} classes", classes));
}

/// The first `count` images of a fixed stratified order: each class has its share in every prefix, within a class the
/// seed shuffles. A larger subset contains the smaller one, so that raising the fidelity only adds images. All indices
/// where count is 0 or not below the size; an ascending list of indices in any case. Labels must be in range.
[[nodiscard]] inline std::vector<std::size_t> stratified_indices(std::span<const std::int32_t> labels,
                                                                 std::int32_t classes, std::size_t count,
                                                                 std::uint64_t seed) {
    std::vector<std::size_t> chosen(labels.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    if (count == 0 || count >= labels.size()) return chosen;
    std::vector<std::vector<std::size_t>> by_class(static_cast<std::size_t>(classes));
    for (std::size_t i = 0; i < labels.size(); ++i) by_class[static_cast<std::size_t>(labels[i])].push_back(i);
    std::vector<std::size_t> turns(by_class.size());  // which class gives the next image when several are due
    for (std::size_t c = 0; c < by_class.size(); ++c) {
        turns[c] = c;
        splitmix64 rng{mix_seed(seed, c)};
        for (std::size_t i = by_class[c].size(); i > 1; --i) std::swap(by_class[c][i - 1], by_class[c][rng.below(i)]);
    }
    splitmix64 rng{mix_seed(seed, by_class.size())};
    for (std::size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[rng.below(i)]);
    struct place {
        std::size_t index;
        std::uint64_t position;  // in its class
        std::uint64_t size;      // of its class
    };
    std::vector<place> order;
    order.reserve(labels.size());
    for (const std::size_t c : turns)
        for (std::size_t k = 0; k < by_class[c].size(); ++k) order.push_back({by_class[c][k], k, by_class[c].size()});
    // The middle of image k of n lies at (2k + 1) / 2n of its class, whole numbers compare it exactly.
    std::stable_sort(order.begin(), order.end(), [](const place& a, const place& b) {
        return (2 * a.position + 1) * b.size < (2 * b.position + 1) * a.size;
    });
    chosen.resize(count);
    for (std::size_t i = 0; i < count; ++i) chosen[i] = order[i].index;
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

/// The images at these indices.
[[nodiscard]] inline image_set select(const image_set& set, std::span<const std::size_t> indices, std::string name) {
    image_set out;
    out.name = std::move(name);
    out.image = set.image;
    out.classes = set.classes;
    out.mean = set.mean;
    out.deviation = set.deviation;
    out.class_names = set.class_names;
    out.pixels.reserve(indices.size() * set.image_bytes());
    out.labels.reserve(indices.size());
    for (const std::size_t i : indices) {
        const auto image = set.image_at(i);
        out.pixels.insert(out.pixels.end(), image.begin(), image.end());
        out.labels.push_back(set.labels[i]);
    }
    return out;
}

/// Holds images out of a training file, the same share of each class; h.images = 0 takes `by_default`. The split
/// depends on the seed alone. bad_input where the set is not sound (check_images()) or nothing would be left to train
/// or validate on.
[[nodiscard]] inline result<training_data> hold_out(const image_set& set, const holdout& h, std::size_t by_default) {
    if (auto sound = check_images(set, true); !sound) return tl::unexpected(std::move(sound.error()));
    const std::size_t validation = h.images == 0 ? by_default : h.images;
    if (validation == 0 || validation >= set.size())
        return fail(errc::bad_input, "size of the validation split", set.name, fmt::format("{}", validation),
                    fmt::format("1 .. {} images", set.size() - 1));
    const std::vector<std::size_t> held = stratified_indices(set.labels, set.classes, validation, h.seed);
    std::vector<std::size_t> rest;
    rest.reserve(set.size() - held.size());
    for (std::size_t i = 0, next = 0; i < set.size(); ++i) {
        if (next < held.size() && held[next] == i)
            ++next;
        else
            rest.push_back(i);
    }
    return training_data{select(set, rest, fmt::format("{}, {} images", set.name, rest.size())),
                         select(set, held, fmt::format("{}, {} held out", set.name, held.size()))};
}

/// The training data of a set, checked: what a policy of the user's hands over is not trusted more than a file.
/// bad_input where a split is not sound, or the splits differ in shape or classes.
template <Dataset D>
[[nodiscard]] result<training_data> load(const D& data, const holdout& h = {}) {
    auto loaded = data.load(h);
    if (!loaded) return loaded;
    if (auto sound = check_images(loaded->train, true); !sound) return tl::unexpected(std::move(sound.error()));
    if (auto sound = check_images(loaded->validation, false); !sound) return tl::unexpected(std::move(sound.error()));
    if (loaded->train.image != loaded->validation.image || loaded->train.classes != loaded->validation.classes)
        return fail(errc::bad_input, "training and validation images differ in shape or classes", data.name());
    return loaded;
}

}  // namespace llmnas
