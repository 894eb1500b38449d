// SPDX-License-Identifier: MIT
// Resize and augmentations on fixed images; tests/integration/image_operations.py has PIL as the judge.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <llmnas/train/mix_up.hpp>
#include <llmnas/train/random_affine.hpp>
#include <llmnas/train/recipe.hpp>
#include <llmnas/train/resize.hpp>

#include "support/catch.hpp"

using namespace llmnas;

namespace {

using bytes_of = std::vector<std::uint8_t>;

working_image image_of(const bytes_of& pixels, const shape& size) {
    working_image image;
    image.load(pixels, size);
    return image;
}

bytes_of pixels_of(working_image& image) {
    const std::uint8_t* p = image.pixels();
    return {p, p + image.channels() * image.plane()};
}

bytes_of after(image_operation op, double magnitude, const bytes_of& pixels, const shape& size) {
    working_image image = image_of(pixels, size);
    apply_operation(image, op, magnitude);
    return pixels_of(image);
}

bytes_of noise(const shape& size, std::uint64_t seed) {
    splitmix64 rng{seed};
    bytes_of pixels(static_cast<std::size_t>(size.elements()));
    for (std::uint8_t& p : pixels) p = static_cast<std::uint8_t>(rng());
    return pixels;
}

}  // namespace

TEST_CASE("resize: averages when it shrinks, interpolates when it grows", "[train]") {
    working_image row = image_of({0, 100, 200, 100}, {1, 1, 4});
    bilinear_resize(1, 4, 1, 2)(row);
    // Weights 3/8, 3/8, 1/8 of what is inside: (3 * 0 + 3 * 100 + 1 * 200) / 7 and (100 + 3 * 200 + 3 * 100) / 7.
    CHECK(pixels_of(row) == bytes_of{71, 143});
    working_image column = image_of({0, 100}, {1, 2, 1});
    bilinear_resize(2, 1, 4, 1)(column);
    CHECK(pixels_of(column) == bytes_of{0, 25, 75, 100});
    working_image same = image_of({1, 2, 3, 4}, {1, 2, 2});
    bilinear_resize(2, 2, 2, 2)(same);
    CHECK(pixels_of(same) == bytes_of{1, 2, 3, 4});
}

TEST_CASE("resize: sums in floating point differ by one at most, on sizes that fill no vector", "[train]") {
    const shape size{3, 37, 41};
    const bytes_of pixels = noise(size, 5);
    for (const auto& [height, width] : {std::pair{100, 90}, {11, 200}, {37, 13}, {1, 1}, {8, 41}}) {
        working_image image = image_of(pixels, size);
        bilinear_resize(37, 41, height, width)(image);
        REQUIRE(image.size() == shape{3, height, width});
        const bytes_of got = pixels_of(image);
        const auto weight = [](std::int32_t x, std::int32_t i, std::int32_t in, std::int32_t out) {
            const double scale = static_cast<double>(in) / out;
            return std::max(0.0, 1 - std::abs(x + 0.5 - (i + 0.5) * scale) / std::max(1.0, scale));
        };
        double largest = 0;
        for (std::int32_t c = 0; c < 3; ++c)
            for (std::int32_t y = 0; y < height; ++y)
                for (std::int32_t x = 0; x < width; ++x) {
                    double sum = 0;
                    double weights = 0;
                    for (std::int32_t v = 0; v < 37; ++v)
                        for (std::int32_t u = 0; u < 41; ++u) {
                            const double w = weight(v, y, 37, height) * weight(u, x, 41, width);
                            sum += w * pixels[static_cast<std::size_t>((c * 37 + v) * 41 + u)];
                            weights += w;
                        }
                    const auto at = static_cast<std::size_t>((c * height + y) * width + x);
                    largest = std::max(largest, std::abs(sum / weights - got[at]));
                }
        CHECK(largest <= 1.01);
    }
}

TEST_CASE("operations on values", "[train]") {
    const shape size{1, 1, 4};
    const bytes_of pixels{10, 60, 110, 210};
    CHECK(after(image_operation::invert, 0, pixels, size) == bytes_of{245, 195, 145, 45});
    CHECK(after(image_operation::posterize, 2, pixels, size) == bytes_of{0, 0, 64, 192});
    CHECK(after(image_operation::posterize, 8, pixels, size) == pixels);
    CHECK(after(image_operation::solarize, 110, pixels, size) == bytes_of{10, 60, 145, 45});
    CHECK(after(image_operation::autocontrast, 0, pixels, size) == bytes_of{0, 63, 127, 255});
    CHECK(after(image_operation::brightness, 0.5, pixels, size) == bytes_of{15, 90, 165, 255});
    CHECK(after(image_operation::brightness, -1, pixels, size) == bytes_of{0, 0, 0, 0});
    CHECK(after(image_operation::contrast, -1, pixels, size) == bytes_of{98, 98, 98, 98});
    CHECK(after(image_operation::color, -1, pixels, size) == pixels);  // grey as it is
    CHECK(after(image_operation::color, -1, {255, 0, 0, 0, 0, 255}, {3, 1, 2}) == bytes_of{76, 29, 76, 29, 76, 29});
    const bytes_of cross{13, 13, 13, 13, 26, 13, 13, 13, 13};
    CHECK(after(image_operation::sharpness, -1, cross, {1, 3, 3}) ==
          bytes_of{13, 13, 13, 13, 18, 13, 13, 13, 13});                   // (8 * 13 + 5 * 26) / 13
    CHECK(after(image_operation::sharpness, -1, pixels, size) == pixels);  // nothing but border
}

TEST_CASE("equalize spreads values evenly, and several maps are one", "[train]") {
    bytes_of pixels(1024);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(100 + i % 4);
    const shape size{1, 32, 32};
    working_image image = image_of(pixels, size);
    equalize(image);
    CHECK(image.mapped());
    const byte_counts counts = image.counts(0);
    CHECK(std::count(counts.begin(), counts.end(), 256U) == 4);
    invert(image);
    solarize(image, 128);
    const bytes_of together = pixels_of(image);
    const bytes_of apart =
        after(image_operation::solarize, 128,
              after(image_operation::invert, 0, after(image_operation::equalize, 0, pixels, size), size), size);
    CHECK(together == apart);
    CHECK_FALSE(image.mapped());
    const bytes_of flat(64, 9);
    CHECK(after(image_operation::equalize, 0, flat, {1, 8, 8}) == flat);
    CHECK(after(image_operation::autocontrast, 0, flat, {1, 8, 8}) == flat);
}

TEST_CASE("geometric operations", "[train]") {
    const shape size{1, 3, 3};
    const bytes_of pixels{1, 2, 3, 4, 5, 6, 7, 8, 9};
    CHECK(after(image_operation::translate_x, 1.9, pixels, size) == bytes_of{0, 1, 2, 0, 4, 5, 0, 7, 8});
    CHECK(after(image_operation::translate_y, -1, pixels, size) == bytes_of{4, 5, 6, 7, 8, 9, 0, 0, 0});
    CHECK(after(image_operation::translate_x, 3, pixels, size) == bytes_of(9, 0));
    CHECK(after(image_operation::rotate, 90, pixels, size) == bytes_of{3, 6, 9, 2, 5, 8, 1, 4, 7});
    CHECK(after(image_operation::rotate, 180, pixels, size) == bytes_of{9, 8, 7, 6, 5, 4, 3, 2, 1});
    // Centers of pixels move: row y + 1/2 by as many pixels to the left.
    CHECK(after(image_operation::shear_x, 1, pixels, size) == bytes_of{2, 3, 0, 6, 0, 0, 0, 0, 0});
    const shape many{5, 3, 3};  // more channels than one word holds
    const bytes_of planes = noise(many, 1);
    const bytes_of turned = after(image_operation::rotate, 90, planes, many);
    for (std::size_t c = 0; c < 5; ++c) CHECK(turned[c * 9] == planes[c * 9 + 2]);
    working_image image = image_of(pixels, size);
    warp(image, {.a = 1, .b = 1e-9, .c = 1e6, .d = 1e-9, .e = 1, .f = 0});  // far beyond 16 bits
    CHECK(pixels_of(image) == bytes_of(9, 0));
}

TEST_CASE("flip and shift", "[train]") {
    const shape s{1, 2, 3};
    const bytes_of in{1, 2, 3, 4, 5, 6};
    bool mirrored = false;
    bool kept = false;
    std::set<int> sums;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        working_image image = image_of(in, s);
        splitmix64 rng{seed};
        flip_and_shift{.flip = true, .shift = 0}.apply(image, rng);
        const bytes_of out = pixels_of(image);
        mirrored = mirrored || out == bytes_of{3, 2, 1, 6, 5, 4};
        kept = kept || out == in;
        // Against the definition, pixel by pixel.
        working_image both = image_of(in, s);
        rng = splitmix64{seed};
        flip_and_shift{.flip = true, .shift = 4}.apply(both, rng);
        rng = splitmix64{seed};
        const bool flip = (rng() & 1U) != 0;
        const auto dy = rng.between(-4, 4);
        const auto dx = rng.between(-4, 4);
        bytes_of wanted;
        for (std::int64_t y = 0; y < 2; ++y)
            for (std::int64_t x = 0; x < 3; ++x) {
                const bool inside = y + dy >= 0 && y + dy < 2 && x + dx >= 0 && x + dx < 3;
                const std::int64_t column = flip ? 2 - (x + dx) : x + dx;
                wanted.push_back(inside ? in[static_cast<std::size_t>((y + dy) * 3 + column)] : std::uint8_t{0});
            }
        CHECK(pixels_of(both) == wanted);
        sums.insert(std::accumulate(wanted.begin(), wanted.end(), 0));
    }
    CHECK(mirrored);
    CHECK(kept);
    CHECK(sums.contains(0));  // shifted out altogether
    CHECK(sums.size() > 3);
}

TEST_CASE("AutoAugment draws pairs by their probabilities", "[train]") {
    // 14 operations with their mean probability: on noise a drawn operation almost always changes something.
    const shape size{3, 16, 16};
    const bytes_of pixels = noise(size, 2);
    double expected = 0;  // share of images that come out unchanged, but for operations without effect on noise
    for (const auto& pair : auto_augment::policy)
        expected += (1 - pair[0].probability) * (1 - pair[1].probability) / 25;
    const int n = 4000;
    int same = 0;
    std::set<bytes_of> different;
    for (int i = 0; i < n; ++i) {
        working_image image = image_of(pixels, size);
        splitmix64 rng{mix_seed(9, static_cast<std::uint64_t>(i))};
        auto_augment{}.apply(image, rng);
        const bytes_of out = pixels_of(image);
        if (out == pixels) ++same;
        different.insert(out);
    }
    const double share = static_cast<double>(same) / n;
    CHECK(share > expected - 0.02);
    CHECK(share < expected + 0.15);  // autocontrast of noise that fills the range changes nothing
    CHECK(different.size() > 40);
}

TEST_CASE("levels of AutoAugment", "[train]") {
    const shape size{3, 160, 331};
    CHECK(magnitude_of(image_operation::translate_x, 9, size) == 150);
    CHECK(magnitude_of(image_operation::rotate, 3, size) == Catch::Approx(10));
    CHECK(magnitude_of(image_operation::solarize, 0, size) == 255);
    CHECK(magnitude_of(image_operation::solarize, 9, size) == 0);
    std::vector<double> bits;
    for (std::int32_t level = 0; level < 10; ++level)
        bits.push_back(magnitude_of(image_operation::posterize, level, size));
    CHECK(bits == std::vector<double>{8, 8, 7, 7, 6, 6, 5, 5, 4, 4});
}

TEST_CASE("shares of MixUp follow the beta distribution", "[train]") {
    for (const double alpha : {0.2, 1.0, 4.0}) {
        splitmix64 rng{1};
        double sum = 0;
        double squares = 0;
        const int n = 20'000;
        for (int i = 0; i < n; ++i) {
            const mixture m = mix_up{alpha}.draw(4, rng);
            REQUIRE((m.share >= 0 && m.share <= 1));
            CHECK(std::set<std::size_t>(m.partners.begin(), m.partners.end()) == std::set<std::size_t>{0, 1, 2, 3});
            sum += m.share;
            squares += m.share * m.share;
        }
        const double mean = sum / n;
        CHECK(mean == Catch::Approx(0.5).margin(0.01));
        CHECK(squares / n - mean * mean == Catch::Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.05));
    }
    splitmix64 rng{1};
    CHECK(mix_up{}.draw(4, rng).partners.empty());
}

TEST_CASE("sequences and choices of augmentations", "[train]") {
    using both = augmentation_sequence<auto_augment, random_affine>;
    CHECK(both{}.describe() ==
          "AutoAugment, CIFAR-10 policy; affine up to 10 degrees, 0.1 of the size, scale 0.8 to 1.2");
    CHECK_FALSE(both::before_resize());
    const shape size{3, 20, 20};
    const bytes_of pixels = noise(size, 4);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        working_image one = image_of(pixels, size);
        working_image two = image_of(pixels, size);
        splitmix64 a{seed};
        splitmix64 b{seed};
        both{}.apply(one, a);
        auto_augment{}.apply(two, b);
        random_affine{}.apply(two, b);
        CHECK(pixels_of(one) == pixels_of(two));
        working_image three = image_of(pixels, size);
        splitmix64 c{seed};
        any_augmentation(both{}).apply(three, c);
        CHECK(pixels_of(three) == pixels_of(one));
    }
    CHECK(any_augmentation(flip_and_shift{}).before_resize());
}

TEST_CASE("recipes say what the paper says", "[train]") {
    const auto value = [](const auto& recipe, const std::string& key) {
        for (const auto& [k, v] : recipe.describe())
            if (k == key) return v;
        return std::string("missing");
    };
    CHECK(value(mini_recipe(), "augmentation") == "AutoAugment, CIFAR-10 policy");
    CHECK(value(mini_recipe(), "mix_up") == "none");
    CHECK(value(published_code_recipe(), "augmentation") == "none");
    const auto full = full_recipe();
    CHECK(value(full, "mix_up") == "alpha 0.2");
    CHECK(full.dropout == 0.05);
    CHECK(full.schedule.rate(0, 120) == 0);
    CHECK(full.schedule.rate(10, 120) == Catch::Approx(0.25));
    CHECK(full.schedule.rate(20, 120) == Catch::Approx(0.5));
    CHECK(full.schedule.rate(70, 120) == Catch::Approx(0.25));
    CHECK(published_code_full_recipe().schedule.peak == 0.3);
    for (const char* name : {"mini", "full", "quick", "published_code", "published_code_full"}) {
        const auto recipe = recipe_named(name);
        REQUIRE(recipe);
        CHECK(recipe->name == name);
    }
    CHECK(recipe_named("full")->describe() == full.describe());
}
