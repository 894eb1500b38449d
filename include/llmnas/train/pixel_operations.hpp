// SPDX-License-Identifier: MIT
/// \file
/// Operations on the values of pixels, equal to torchvision's on PIL images bit by bit. No torch.
///
/// Of three channels the image is RGB; otherwise each channel is grey.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <llmnas/train/vector_loops.hpp>
#include <llmnas/train/working_image.hpp>

namespace llmnas {

namespace detail {

/// Values are cut off at 0 and 255. The function is always inlined: floating point then rounds alike everywhere.
template <class F>
byte_map map_from(F value_of) {
    byte_map m{};
    vectorised([ =, to = m.data() ]() __attribute__((always_inline)) {
        for (std::int32_t v = 0; v < 256; ++v) {
            const std::int32_t value = value_of(v);
            to[v] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    });
    return m;
}

inline void map_all(working_image& image, const byte_map& m) {
    for (std::size_t c = 0; c < image.channels(); ++c) image.map(c, m);
}

/// PIL's blend: from a (factor 0) over b (factor 1) and beyond, cut off at 0 and 255, fractions dropped.
[[gnu::always_inline]] inline std::uint8_t blend(std::int32_t a, std::int32_t b, float factor) {
    float v = static_cast<float>(a) + factor * static_cast<float>(b - a);
    v = v < 0 ? 0 : v;
    v = v > 255 ? 255 : v;
    return static_cast<std::uint8_t>(static_cast<std::int32_t>(v));
}

/// Grey of an RGB pixel (ITU-R 601-2), in PIL's 16 binary places.
[[gnu::always_inline]] inline std::int32_t luma(std::int32_t r, std::int32_t g, std::int32_t b) {
    return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

}  // namespace detail

inline void invert(working_image& image) {
    detail::map_all(image, detail::map_from([](std::int32_t v) __attribute__((always_inline)) { return 255 - v; }));
}

/// Keeps the highest `bits` (0 .. 8) of each value.
inline void posterize(working_image& image, std::int32_t bits) {
    const std::int32_t low = (1 << (8 - bits)) - 1;
    detail::map_all(image, detail::map_from([low](std::int32_t v) __attribute__((always_inline)) { return v & ~low; }));
}

/// Inverts the values from the threshold on.
inline void solarize(working_image& image, double threshold) {
    detail::map_all(image, detail::map_from([=](std::int32_t v) __attribute__((always_inline)) {
                        return v < threshold ? v : 255 - v;
                    }));
}

/// Stretches each channel so that its smallest value becomes 0 and its largest 255.
inline void autocontrast(working_image& image) {
    for (std::size_t c = 0; c < image.channels(); ++c) {
        const byte_counts counts = image.counts(c);
        std::int32_t low = 0;
        std::int32_t high = 255;
        while (low < 255 && counts[static_cast<std::size_t>(low)] == 0) ++low;
        while (high > 0 && counts[static_cast<std::size_t>(high)] == 0) --high;
        if (high <= low) continue;
        const double scale = 255.0 / (high - low);
        const double offset = -low * scale;
        image.map(c, detail::map_from([=](std::int32_t v) __attribute__((always_inline)) {
                      return static_cast<std::int32_t>(v * scale + offset);
                  }));
    }
}

/// Spreads the values of each channel so that all ranges hold about as many pixels.
inline void equalize(working_image& image) {
    for (std::size_t c = 0; c < image.channels(); ++c) {
        const byte_counts counts = image.counts(c);
        std::int64_t used = 0;
        std::int64_t all = 0;
        std::int64_t last = 0;
        for (const std::uint32_t n : counts) {
            if (n == 0) continue;
            ++used;
            all += n;
            last = n;
        }
        const std::int64_t step = (all - last) / 255;
        if (used <= 1 || step == 0) continue;
        std::int64_t below = step / 2;
        image.map(c, detail::map_from([&](std::int32_t v) __attribute__((always_inline)) {
                      const auto value = static_cast<std::int32_t>(below / step < 255 ? below / step : 255);
                      below += counts[static_cast<std::size_t>(v)];
                      return value;
                  }));
    }
}

/// Factor 0: black, 1: as it is.
inline void adjust_brightness(working_image& image, float factor) {
    detail::map_all(image, detail::map_from([=](std::int32_t v) __attribute__((always_inline)) {
                        return detail::blend(0, v, factor);
                    }));
}

/// Factor 0: the image's mean grey, 1: as it is.
inline void adjust_contrast(working_image& image, float factor) {
    const std::size_t n = image.plane();
    const std::uint8_t* p = image.pixels();
    std::uint64_t sum = 0;
    std::uint64_t summed = n;
    if (image.channels() == 3) {
        detail::vectorised([ to = &sum, p, n ]() __attribute__((always_inline)) {
            std::uint64_t total = 0;
            constexpr std::size_t chunk = 1 << 16;  // what 32 bits hold of bytes
            for (std::size_t begin = 0; begin < n; begin += chunk) {
                const std::size_t end = n - begin < chunk ? n : begin + chunk;
                std::uint32_t part = 0;
                for (std::size_t i = begin; i < end; ++i)
                    part += static_cast<std::uint32_t>(detail::luma(p[i], p[n + i], p[2 * n + i]));
                total += part;
            }
            *to = total;
        });
    } else {
        summed = n * image.channels();
        for (std::size_t i = 0; i < summed; ++i) sum += p[i];
    }
    const auto mean = static_cast<std::int32_t>(static_cast<double>(sum) / static_cast<double>(summed) + 0.5);
    detail::map_all(image, detail::map_from([=](std::int32_t v) __attribute__((always_inline)) {
                        return detail::blend(mean, v, factor);
                    }));
}

/// Factor 0: grey, 1: as it is. Without effect where the channels are no RGB.
inline void adjust_color(working_image& image, float factor) {
    if (image.channels() != 3) return;
    const std::size_t n = image.plane();
    std::uint8_t* p = image.pixels();
    detail::vectorised([=]() __attribute__((always_inline)) {
        std::uint8_t* __restrict red = p;
        std::uint8_t* __restrict green = p + n;
        std::uint8_t* __restrict blue = p + 2 * n;
        for (std::size_t i = 0; i < n; ++i) {
            const std::int32_t grey = detail::luma(red[i], green[i], blue[i]);
            red[i] = detail::blend(grey, red[i], factor);
            green[i] = detail::blend(grey, green[i], factor);
            blue[i] = detail::blend(grey, blue[i], factor);
        }
    });
}

/// Factor 0: smoothed over 3 x 3 (the pixel itself weighs 5 of 13), 1: as it is. The border stays, and so does an image
/// narrower than 3.
inline void adjust_sharpness(working_image& image, float factor) {
    const shape size = image.size();
    if (size.height < 3 || size.width < 3) return;
    const auto width = static_cast<std::size_t>(size.width);
    const auto height = static_cast<std::size_t>(size.height);
    const std::size_t channels = image.channels();
    const std::uint8_t* in = image.pixels();
    std::uint8_t* out = image.other(size);
    std::copy(in, in + channels * width * height, out);
    detail::vectorised([=]() __attribute__((always_inline)) {
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t y = 1; y + 1 < height; ++y) {
                const std::uint8_t* row = in + (c * height + y) * width;
                const std::uint8_t* above = row - width;
                const std::uint8_t* below = row + width;
                std::uint8_t* __restrict to = out + (c * height + y) * width;
                for (std::size_t x = 1; x + 1 < width; ++x) {
                    const std::int32_t sum = above[x - 1] + above[x] + above[x + 1] + row[x - 1] + 5 * row[x] +
                                             row[x + 1] + below[x - 1] + below[x] + below[x + 1];
                    // Nearest integer of sum / 13, as (sum + 6) / 13: 40330 / 2^19 divides exactly up to 13 * 255 + 6.
                    to[x] = detail::blend(((sum + 6) * 40330) >> 19, row[x], factor);
                }
            }
    });
    image.take_other(size);
}

}  // namespace llmnas
