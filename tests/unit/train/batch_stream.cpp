// SPDX-License-Identifier: MIT
// Batches: their contents, that neither threads nor order show, blending, and the stream that makes them ahead.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <llmnas/train/batch_stream.hpp>
#include <llmnas/train/random_affine.hpp>

#include "support/catch.hpp"

using namespace llmnas;
using Catch::Matchers::ContainsSubstring;

namespace {

image_set noise(std::int32_t images, const shape& size = {3, 12, 10}) {
    image_set set;
    set.name = "noise";
    set.image = size;
    set.classes = 10;
    splitmix64 rng{3};
    for (std::int32_t i = 0; i < images; ++i) {
        for (std::uint64_t k = 0; k < size.elements(); ++k) set.pixels.push_back(static_cast<std::uint8_t>(rng()));
        set.labels.push_back(i % 10);
    }
    return set;
}

std::vector<std::size_t> first(std::size_t n) {
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

const batch_layout small{.resolution = 16};
using everything = augmentation_sequence<auto_augment, random_affine>;

struct slow {
    static void apply(working_image&, splitmix64&) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }
    static constexpr bool before_resize() { return true; }
    static std::string describe() { return "slow"; }
};

struct throws_at_dark {
    static void apply(working_image& image, splitmix64&) {
        if (image.pixels()[0] == 0) throw std::runtime_error("too dark\nto see");
    }
    static constexpr bool before_resize() { return true; }
    static std::string describe() { return "throws"; }
};

}  // namespace

TEST_CASE("a batch is normalised, in both layouts", "[train]") {
    image_set set = noise(4, {3, 16, 16});
    set.mean = {0.5F, 0.25F, 0.75F};
    set.deviation = {0.5F, 0.25F, 1};
    const std::vector<std::size_t> indices{2, 0};
    const batch last = make_batch(set, indices, small);
    const batch planes = make_batch(set, indices, {.resolution = 16, .channels_last = false});
    CHECK(last.images.is_contiguous(at::MemoryFormat::ChannelsLast));
    CHECK(planes.images.is_contiguous());
    CHECK(at::equal(last.images, planes.images));
    CHECK(last.labels[0].item<std::int64_t>() == 2);
    for (std::int64_t c = 0; c < 3; ++c)
        for (std::int64_t y = 0; y < 16; ++y) {
            const auto k = static_cast<std::size_t>(c);
            const float v = set.image_at(2)[static_cast<std::size_t>((c * 16 + y) * 16 + 3)];
            CHECK(last.images[0][c][y][3].item<float>() == (v / 255 - set.mean[k]) / set.deviation[k]);
        }
}

TEST_CASE("neither threads nor order of the work nor the batch show in an image", "[train]") {
    const image_set set = noise(40);
    batch_stream<everything> one(set, small, {}, {}, {.workers = 1});
    batch_stream<everything> four(set, small, {}, {}, {.workers = 4, .ahead = 2});
    std::vector<std::size_t> backward = first(40);
    std::reverse(backward.begin(), backward.end());
    one.begin(first(40), 8, 7);
    four.begin(first(40), 8, 7);
    std::vector<at::Tensor> images;
    while (one.left() > 0) {
        const auto a = one.next();
        const auto b = four.next();
        REQUIRE((a && b));
        CHECK(at::equal(a->images, b->images));
        CHECK(at::equal(a->labels, b->labels));
        images.push_back(a->images.clone());
    }
    const at::Tensor all = at::cat(images);
    one.begin(backward, 5, 7);
    images.clear();
    while (one.left() > 0) images.push_back(one.next()->images.clone());
    CHECK(at::equal(at::cat(images).flip(0), all));
    const batch parallel = make_batch(set, first(40), small, everything{}, 7);
    CHECK(at::equal(parallel.images, all));
    CHECK_FALSE(at::equal(make_batch(set, first(40), small, everything{}, 8).images, all));
}

TEST_CASE("a stream gives every image once, and starts over in the middle of an epoch", "[train]") {
    const image_set set = noise(23);
    batch_stream stream(set, small);
    CHECK(stream.left() == 0);
    CHECK(!stream.next());
    stream.begin(first(23), 5, 1);
    CHECK(stream.left() == 5);
    const auto kept = stream.next();
    REQUIRE(kept);
    const at::Tensor before = kept->images.clone();
    stream.begin(first(23), 5, 2);
    std::int64_t images = 0;
    std::vector<std::int64_t> sizes;
    while (stream.left() > 0) {
        const auto b = stream.next();
        REQUIRE(b);
        for (std::int64_t i = 0; i < b->labels.size(0); ++i) CHECK(b->labels[i].item<std::int64_t>() == images++ % 10);
        sizes.push_back(b->images.size(0));
    }
    CHECK(images == 23);
    CHECK(sizes == std::vector<std::int64_t>{5, 5, 5, 5, 3});
    CHECK(at::equal(kept->images, before));  // who holds a batch keeps it
    const auto behind = stream.next();
    REQUIRE(!behind);
    CHECK(behind.error().code == errc::bad_input);
    stream.begin(first(23), 4, 3);  // abandoned with its queue full
    REQUIRE(stream.next());
}

TEST_CASE("memory of batches is used again, but not while anyone holds a view of it", "[train]") {
    const image_set set = noise(64);
    batch_stream stream(set, small, {}, {}, {.workers = 1, .ahead = 1});
    stream.begin(first(64), 4, 1);
    std::vector<const void*> seen;
    const at::Tensor view = stream.next()->images.select(0, 1);
    const at::Tensor copy = view.clone();
    while (stream.left() > 0) {
        const auto b = stream.next();
        seen.push_back(b->images.data_ptr());
        CHECK(b->images.storage().data() != view.storage().data());
    }
    CHECK(at::equal(view, copy));
    std::sort(seen.begin(), seen.end());
    CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() <= 3);
}

TEST_CASE("errors in workers reach the one who asks for the batch", "[train]") {
    image_set set = noise(12);
    for (std::size_t i = 0; i < set.size(); ++i) set.pixels[i * set.image_bytes()] = i == 6 ? 0 : 200;
    batch_stream<throws_at_dark> stream(set, small, {}, {}, {.workers = 2});
    stream.begin(first(12), 4, 1);
    CHECK(stream.next());
    const auto failed = stream.next();
    REQUIRE(!failed);
    CHECK(failed.error().code == errc::training);
    CHECK_THAT(failed.error().text(),
               ContainsSubstring("batch 2") && ContainsSubstring("too dark") && !ContainsSubstring("see"));
    CHECK(stream.next());
    CHECK(stream.left() == 0);
}

TEST_CASE("time waited for batches is counted", "[train]") {
    const image_set set = noise(8);
    batch_stream<slow> stream(set, small, {}, {}, {.workers = 1, .ahead = 1});
    stream.begin(first(8), 4, 1);
    REQUIRE(stream.next());  // 20 ms in the making
    const double waited = stream.seconds_waited();
    CHECK(waited > 0.01);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    REQUIRE(stream.next());  // long ready
    CHECK(stream.seconds_waited() - waited < 0.01);
}

TEST_CASE("MixUp blends images and losses in pairs", "[train]") {
    const image_set set = noise(16);
    const auto maker = batch_maker<no_augmentation>(set, small, {}, {.alpha = 0.2});
    const batch plain = make_batch(set, first(16), small);
    batch_maker<no_augmentation>::workspace w;
    const batch mixed = maker.make(first(16), 5, 3, maker.memory_for(16), w);
    splitmix64 rng{mix_seed(~std::uint64_t{5}, 3)};
    const mixture m = mix_up{.alpha = 0.2}.draw(16, rng);
    REQUIRE(m.partners.size() == 16);
    CHECK(mixed.share == m.share);
    std::vector<std::int64_t> partners(m.partners.begin(), m.partners.end());
    const at::Tensor order = at::tensor(partners);
    CHECK(at::equal(mixed.partner_labels, plain.labels.index_select(0, order)));
    const at::Tensor wanted = plain.images * m.share + plain.images.index_select(0, order) * (1 - m.share);
    CHECK(at::allclose(mixed.images, wanted, 1e-5, 1e-5));
    CHECK(mixed.images.is_contiguous(at::MemoryFormat::ChannelsLast));

    const at::Tensor logits = at::arange(160, at::kFloat).view({16, 10}).sin();
    const auto loss = [&](const at::Tensor& labels) {
        return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100, 0.1).item<double>();
    };
    CHECK(mixed.loss(logits, 0.1).item<double>() ==
          Catch::Approx(m.share * loss(mixed.labels) + (1 - m.share) * loss(mixed.partner_labels)));
    CHECK(plain.loss(logits, 0.1).item<double>() == Catch::Approx(loss(plain.labels)));

    // Another batch of the same epoch is blended otherwise; the same one alike.
    CHECK(maker.make(first(16), 5, 4, maker.memory_for(16), w).share != mixed.share);
    CHECK(at::equal(maker.make(first(16), 5, 3, maker.memory_for(16), w).images, mixed.images));
}
