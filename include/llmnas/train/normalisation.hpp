// SPDX-License-Identifier: MIT
/// \file
/// From bytes to normalised floats, in the memory layout that the network wants. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <llmnas/train/vector_loops.hpp>
#include <llmnas/train/working_image.hpp>

namespace llmnas {

namespace detail {

/// Stores n floats that this core will not read again: where both ends are aligned, without reading the lines that they
/// replace.
[[gnu::always_inline]] inline void store_past_cache(const float* from, std::size_t n, float* to) {
    std::size_t i = 0;
#if defined(__SSE2__)
    if (reinterpret_cast<std::uintptr_t>(to) % sizeof(__m128) == 0)
        for (; i + 4 <= n; i += 4) _mm_stream_ps(to + i, _mm_load_ps(from + i));
#endif
    std::memcpy(to + i, from + i, (n - i) * sizeof(float));
}

/// Orders such stores before all that follows, which may tell another thread of them.
inline void finish_stores() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/// Writes value(c, i) of 3 channels and n pixels, channels last.
template <class Value>
[[gnu::always_inline]] inline void interleave_rgb(std::size_t n, float* out, const Value& value) {
    constexpr std::size_t chunk = 256;
    alignas(64) float part[3 * chunk];
    for (std::size_t begin = 0; begin < n; begin += chunk) {
        const std::size_t count = n - begin < chunk ? n - begin : chunk;
        for (std::size_t i = 0; i < count; ++i) {
            part[3 * i] = value(0, begin + i);
            part[3 * i + 1] = value(1, begin + i);
            part[3 * i + 2] = value(2, begin + i);
        }
        store_past_cache(part, 3 * count, out + 3 * begin);
    }
    finish_stores();
}

}  // namespace detail

/// (v / 255 - mean) / deviation of each channel, in single precision and in this order, as torchvision's ToTensor and
/// Normalize compute it; a table a channel. Immutable: threads share one.
class normalisation {
public:
    /// Channels beyond the given means and deviations take the last of them.
    normalisation(std::size_t channels, std::span<const float> mean, std::span<const float> deviation) {
        for (std::size_t c = 0; c < channels; ++c) {
            table t{};
            for (std::size_t v = 0; v < t.size(); ++v)
                t[v] = (static_cast<float>(v) / 255 - mean[std::min(c, mean.size() - 1)]) /
                       deviation[std::min(c, deviation.size() - 1)];
            tables_.push_back(t);
        }
    }

    /// Writes C x H x W floats of the image with its collected maps: channels last, or plane by plane.
    void write(const working_image& image, bool channels_last, float* out) const {
        const std::size_t n = image.plane();
        const std::size_t channels = image.channels();
        std::array<table, 3> mapped;
        for (std::size_t first = 0; first < channels; first += mapped.size()) {
            const std::size_t count = std::min(mapped.size(), channels - first);
            for (std::size_t c = 0; c < count; ++c)
                for (std::size_t v = 0; v < 256; ++v)
                    mapped[c][v] =
                        image.mapped() ? tables_[first + c][image.map_of(first + c)[v]] : tables_[first + c][v];
            const std::uint8_t* in = image.unmapped() + first * n;
            if (!channels_last || channels == 1) {
                for (std::size_t c = 0; c < count; ++c) look_up(mapped[c], in + c * n, n, out + (first + c) * n, 1);
            } else if (channels == 3) {
                look_up_rgb(mapped, in, n, out);
            } else {
                for (std::size_t c = 0; c < count; ++c) look_up(mapped[c], in + c * n, n, out + first + c, channels);
            }
        }
    }

    /// Writes share * a + (1 - share) * b of the normalised planar images a and b of n pixels a channel; up to
    /// rounding: bytes are blended first.
    void write_mixed(const std::uint8_t* a, const std::uint8_t* b, float share, std::size_t n, bool channels_last,
                     float* out) const {
        const std::size_t channels = tables_.size();
        struct line {
            float first, second, offset;
        };
        const auto line_of = [&](std::size_t c) {
            const float scale = (tables_[c][255] - tables_[c][0]) / 255;
            return line{share * scale, (1 - share) * scale, tables_[c][0]};
        };
        if (channels_last && channels == 3) {
            const std::array<line, 3> lines{line_of(0), line_of(1), line_of(2)};
            detail::vectorised([=]() __attribute__((always_inline)) {
                detail::interleave_rgb(
                    n, out, [=](std::size_t c, std::size_t i) __attribute__((always_inline)) {
                        const line& k = lines[c];
                        return static_cast<float>(a[c * n + i]) * k.first +
                               static_cast<float>(b[c * n + i]) * k.second + k.offset;
                    });
            });
            return;
        }
        const std::size_t step = channels_last ? channels : 1;
        for (std::size_t c = 0; c < channels; ++c) {
            const line k = line_of(c);
            float* to = out + (channels_last ? c : c * n);
            for (std::size_t i = 0; i < n; ++i)
                to[i * step] =
                    static_cast<float>(a[c * n + i]) * k.first + static_cast<float>(b[c * n + i]) * k.second + k.offset;
        }
    }

private:
    using table = std::array<float, 256>;

    static void look_up(const table& t, const std::uint8_t* in, std::size_t n, float* out, std::size_t step) {
        for (std::size_t i = 0; i < n; ++i) out[i * step] = t[in[i]];
    }

    static void look_up_rgb(const std::array<table, 3>& t, const std::uint8_t* in, std::size_t n, float* out) {
        detail::vectorised([ =, tables = t.data() ]() __attribute__((always_inline)) {
            detail::interleave_rgb(
                n, out, [=](std::size_t c, std::size_t i) __attribute__((always_inline)) {
                    return tables[c].data()[in[c * n + i]];
                });
        });
    }

    std::vector<table> tables_;
};

}  // namespace llmnas
