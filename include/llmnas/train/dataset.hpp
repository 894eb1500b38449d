// SPDX-License-Identifier: MIT
/// \file
/// Images in memory with their labels, stratified subsets and the validation split. No torch: batches become tensors in
/// train/batches.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
    std::vector<std::uint8_t> pixels;                     ///< N x C x H x W, planar
    std::vector<std::int32_t> labels;                     ///< N, each in 0 .. classes - 1
    std::array<float, 3> mean{0.5F, 0.5F, 0.5F};          ///< a channel, of values / 255
    std::array<float, 3> deviation{0.25F, 0.25F, 0.25F};  ///< a channel, of values / 255

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

/// What a search sees of a data set: its training file in two disjoint parts. The test split is not here: see the
/// functions named `..._for_final_report`.
struct training_data {
    image_set train;
    image_set validation;
};

/// The first `count` images of a fixed stratified order: classes in turn, within a class shuffled by the seed. A larger
/// subset contains the smaller one, so that raising the fidelity only adds images. All indices where count is 0 or not
/// below the size; an ascending list of indices in any case.
[[nodiscard]] inline std::vector<std::size_t> stratified_indices(std::span<const std::int32_t> labels,
                                                                 std::int32_t classes, std::size_t count,
                                                                 std::uint64_t seed) {
    std::vector<std::size_t> chosen;
    if (count == 0 || count >= labels.size()) {
        chosen.resize(labels.size());
        for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = i;
        return chosen;
    }
    std::vector<std::vector<std::size_t>> by_class(static_cast<std::size_t>(classes));
    for (std::size_t i = 0; i < labels.size(); ++i) by_class[static_cast<std::size_t>(labels[i])].push_back(i);
    std::vector<std::size_t> turns(by_class.size());  // which class gives the next image when all cannot give as many
    for (std::size_t c = 0; c < by_class.size(); ++c) {
        turns[c] = c;
        splitmix64 rng{mix_seed(seed, c)};
        for (std::size_t i = by_class[c].size(); i > 1; --i) std::swap(by_class[c][i - 1], by_class[c][rng.below(i)]);
    }
    splitmix64 rng{mix_seed(seed, by_class.size())};
    for (std::size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[rng.below(i)]);
    chosen.reserve(count);
    for (std::size_t round = 0; chosen.size() < count; ++round)
        for (const std::size_t c : turns)
            if (round < by_class[c].size() && chosen.size() < count) chosen.push_back(by_class[c][round]);
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
    out.pixels.reserve(indices.size() * set.image_bytes());
    out.labels.reserve(indices.size());
    for (const std::size_t i : indices) {
        const auto image = set.image_at(i);
        out.pixels.insert(out.pixels.end(), image.begin(), image.end());
        out.labels.push_back(set.labels[i]);
    }
    return out;
}

/// Holds `validation` images out of a training file, the same number of each class where it divides. The split depends
/// on the seed alone. bad_input where nothing would be left to train on or to validate on.
[[nodiscard]] inline result<training_data> hold_out(const image_set& set, std::size_t validation,
                                                    std::uint64_t seed = 0) {
    if (validation == 0 || validation >= set.size())
        return fail(errc::bad_input, "size of the validation split", set.name, fmt::format("{}", validation),
                    fmt::format("1 .. {} images", set.size() == 0 ? 0 : set.size() - 1));
    const std::vector<std::size_t> held = stratified_indices(set.labels, set.classes, validation, seed);
    std::vector<std::size_t> rest;
    rest.reserve(set.size() - held.size());
    for (std::size_t i = 0, h = 0; i < set.size(); ++i) {
        if (h < held.size() && held[h] == i)
            ++h;
        else
            rest.push_back(i);
    }
    return training_data{select(set, rest, fmt::format("{}, {} images", set.name, rest.size())),
                         select(set, held, fmt::format("{}, {} held out", set.name, held.size()))};
}

}  // namespace llmnas
