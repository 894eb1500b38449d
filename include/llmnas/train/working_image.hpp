// SPDX-License-Identifier: MIT
/// \file
/// One image on its way from the data set to a batch: planar bytes that operations change. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <llmnas/core/shape.hpp>

namespace llmnas {

/// What becomes of each value of a channel.
using byte_map = std::array<std::uint8_t, 256>;

/// How often each value occurs in a channel.
using byte_counts = std::array<std::uint32_t, 256>;

[[nodiscard]] constexpr byte_map identity_map() noexcept {
    byte_map m{};
    for (std::size_t v = 0; v < m.size(); ++v) m[v] = static_cast<std::uint8_t>(v);
    return m;
}

/// An image of C x H x W bytes. Operations that only map values (invert, equalize, ...) are not carried out but
/// collected as one map a channel: several of them, and the normalisation, cost one pass. Objects are used again for
/// image after image, so that nothing is allocated; one thread at a time.
class working_image {
public:
    void load(std::span<const std::uint8_t> pixels, const shape& size) {
        std::copy(pixels.begin(), pixels.end(), other(size));
        take_other(size);
    }

    [[nodiscard]] const shape& size() const noexcept { return size_; }
    [[nodiscard]] std::size_t channels() const noexcept { return static_cast<std::size_t>(size_.channels); }
    [[nodiscard]] std::size_t plane() const noexcept {
        return static_cast<std::size_t>(size_.height) * static_cast<std::size_t>(size_.width);
    }

    /// The pixels, with the collected maps carried out; they may be written until the next call of another member.
    [[nodiscard]] std::uint8_t* pixels() {
        for (std::size_t c = 0; mapped_ && c < channels(); ++c) {
            const byte_map& m = maps_[c];
            std::uint8_t* p = pixels_.data() + c * plane();
            for (std::size_t i = 0; i < plane(); ++i) p[i] = m[p[i]];
        }
        forget_maps();
        return pixels_.data();
    }

    /// Pixels before the collected maps, for those who carry them out themselves.
    [[nodiscard]] const std::uint8_t* unmapped() const noexcept { return pixels_.data(); }
    [[nodiscard]] const byte_map& map_of(std::size_t channel) const noexcept { return maps_[channel]; }
    [[nodiscard]] bool mapped() const noexcept { return mapped_; }

    /// Applies a map to a channel, behind those collected before.
    void map(std::size_t channel, const byte_map& then) {
        for (std::uint8_t& v : maps_[channel]) v = then[v];
        mapped_ = true;
    }

    /// Counts of a channel's values as they are with the maps carried out.
    [[nodiscard]] byte_counts counts(std::size_t channel) {
        if (!counted_) count();
        if (!mapped_) return counts_[channel];
        byte_counts out{};
        for (std::size_t v = 0; v < 256; ++v) out[maps_[channel][v]] += counts_[channel][v];
        return out;
    }

    /// A second buffer for an image of another size (or the same), to be written and then taken.
    [[nodiscard]] std::uint8_t* other(const shape& size) {
        other_.resize(static_cast<std::size_t>(size.elements()));
        return other_.data();
    }
    /// The second buffer becomes the image. Maps were carried out by the one who filled it.
    void take_other(const shape& size) {
        std::swap(pixels_, other_);
        size_ = size;
        if (maps_.size() < channels()) {
            maps_.resize(channels(), identity_map());
            counts_.resize(channels());
        }
        forget_maps();
    }

    /// Memory for intermediate results; its contents do not survive the next call.
    template <class T>
    [[nodiscard]] T* scratch(std::size_t count) {
        scratch_.resize(count * sizeof(T));
        return reinterpret_cast<T*>(scratch_.data());
    }

private:
    void forget_maps() {
        if (mapped_) std::fill(maps_.begin(), maps_.end(), identity_map());
        mapped_ = false;
        counted_ = false;
    }
    void count() {
        for (std::size_t c = 0; c < channels(); ++c) {
            // Four counters in turn: equal neighbours do not wait for each other.
            std::array<byte_counts, 4> part{};
            const std::uint8_t* p = pixels_.data() + c * plane();
            std::size_t i = 0;
            for (; i + 4 <= plane(); i += 4)
                for (std::size_t k = 0; k < 4; ++k) ++part[k][p[i + k]];
            for (; i < plane(); ++i) ++part[0][p[i]];
            for (std::size_t v = 0; v < 256; ++v) counts_[c][v] = part[0][v] + part[1][v] + part[2][v] + part[3][v];
        }
        counted_ = true;
    }

    shape size_{0, 0, 0};
    std::vector<std::uint8_t> pixels_;
    std::vector<std::uint8_t> other_;
    std::vector<std::byte> scratch_;
    std::vector<byte_map> maps_;
    std::vector<byte_counts> counts_;
    bool mapped_ = false;
    bool counted_ = false;
};

}  // namespace llmnas
