// SPDX-License-Identifier: MIT
/// \file
/// PNG and JPEG in memory to planar bytes, by libpng and libjpeg(-turbo): the decoders of PIL, so that pixels are equal
/// to those that Python trains on, and the ones that check checksums and report damage. No torch.
#pragma once

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <jerror.h>
#include <jpeglib.h>
#include <png.h>

#include <llmnas/core/result.hpp>
#include <llmnas/core/shape.hpp>

namespace llmnas {

/// Extents and number of pixels that are still decoded: 8192 x 8192.
inline constexpr std::int32_t max_image_extent = 32'768;
inline constexpr std::uint64_t max_image_pixels = std::uint64_t{1} << 26;

namespace detail {

inline result<shape> sound_extents(std::uint64_t height, std::uint64_t width, const std::string& where) {
    constexpr auto most = static_cast<std::uint64_t>(max_image_extent);
    if (height < 1 || width < 1 || height > most || width > most || height * width > max_image_pixels)
        return fail(errc::bad_input, "image too large", where, fmt::format("{}x{}", height, width),
                    fmt::format("at most {} pixels", max_image_pixels));
    return shape{3, static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
}

/// Rows of pixels with 3 or 4 bytes each to three planes; a fourth byte (opacity) is left out, as PIL does.
inline void to_planes(std::span<const std::uint8_t> pixels, std::size_t pixel_bytes, std::span<std::uint8_t> planes) {
    const std::size_t plane = planes.size() / 3;
    for (std::size_t c = 0; c < 3; ++c)
        for (std::size_t i = 0; i < plane; ++i) planes[c * plane + i] = pixels[i * pixel_bytes + c];
}

/// One PNG; libpng's simplified interface: no longjmp, checksums verified, 16 bits become 8, palettes and grey RGB.
class png_file {
public:
    png_file(std::span<const std::uint8_t> bytes, const std::string& where) : where_(where) {
        image_.version = PNG_IMAGE_VERSION;
        begun_ = png_image_begin_read_from_memory(&image_, bytes.data(), bytes.size()) != 0;
    }
    ~png_file() { png_image_free(&image_); }
    png_file(const png_file&) = delete;
    png_file& operator=(const png_file&) = delete;

    [[nodiscard]] result<shape> size() const {
        if (!begun_) return refuse();
        return sound_extents(image_.height, image_.width, where_);
    }
    /// `planes` has the size that size() gave.
    [[nodiscard]] result<void> decode(std::span<std::uint8_t> planes) {
        const bool opacity = (image_.format & PNG_FORMAT_FLAG_ALPHA) != 0;
        image_.format = opacity ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
        image_.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
        const std::size_t pixel_bytes = opacity ? 4 : 3;
        std::vector<std::uint8_t> pixels(planes.size() / 3 * pixel_bytes);
        if (png_image_finish_read(&image_, nullptr, pixels.data(), 0, nullptr) == 0) return refuse();
        to_planes(pixels, pixel_bytes, planes);
        return {};
    }

private:
    [[nodiscard]] tl::unexpected<error> refuse() const {
        return fail(errc::bad_input, fmt::format("damaged PNG: {}", static_cast<const char*>(image_.message)), where_);
    }

    const std::string& where_;
    png_image image_{};
    bool begun_ = false;
};

/// One JPEG. libjpeg reports errors by a function that must not return: the two members with a setjmp() have no objects
/// that a longjmp() would have to destroy. Warnings about the pixels are errors here: libjpeg would fill in grey.
class jpeg_file {
public:
    jpeg_file(std::span<const std::uint8_t> bytes, const std::string& where) : where_(where) {
        state_.err = jpeg_std_error(&errors_.base);
        errors_.base.error_exit = [](j_common_ptr s) {
            auto* e = reinterpret_cast<trouble*>(s->err);
            (*s->err->format_message)(s, e->text.data());
            std::longjmp(e->back, 1);
        };
        errors_.base.emit_message = [](j_common_ptr s, int level) {
            const int code = s->err->msg_code;
            if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) (*s->err->error_exit)(s);
        };
        begun_ = begin(bytes);
    }
    ~jpeg_file() { jpeg_destroy_decompress(&state_); }
    jpeg_file(const jpeg_file&) = delete;
    jpeg_file& operator=(const jpeg_file&) = delete;

    [[nodiscard]] result<shape> size() const {
        if (!begun_) return refuse();
        if (state_.jpeg_color_space == JCS_CMYK || state_.jpeg_color_space == JCS_YCCK)
            return fail(errc::bad_input, "JPEG of another colour space", where_, "CMYK", "colour or grey");
        return sound_extents(state_.image_height, state_.image_width, where_);
    }
    /// `planes` has the size that size() gave.
    [[nodiscard]] result<void> decode(std::span<std::uint8_t> planes) {
        std::vector<std::uint8_t> pixels(planes.size());
        if (!read_rows(pixels.data(), pixels.size() / state_.image_height)) return refuse();
        to_planes(pixels, 3, planes);
        return {};
    }

private:
    struct trouble {
        jpeg_error_mgr base;  // first: libjpeg hands out its address
        std::jmp_buf back;
        std::array<char, JMSG_LENGTH_MAX> text;
    };

    bool begin(std::span<const std::uint8_t> bytes) {
        if (setjmp(errors_.back) != 0) return false;
        jpeg_create_decompress(&state_);
        state_.mem->max_memory_to_use = 512L << 20;  // a progressive image keeps its coefficients
        jpeg_mem_src(&state_, bytes.data(), static_cast<unsigned long>(bytes.size()));
        jpeg_read_header(&state_, TRUE);
        return true;
    }
    bool read_rows(std::uint8_t* to, std::size_t row_bytes) {
        if (setjmp(errors_.back) != 0) return false;
        state_.out_color_space = JCS_RGB;
        jpeg_start_decompress(&state_);
        while (state_.output_scanline < state_.output_height) {
            JSAMPROW row = to + state_.output_scanline * row_bytes;
            jpeg_read_scanlines(&state_, &row, 1);
        }
        jpeg_finish_decompress(&state_);
        return true;
    }
    [[nodiscard]] tl::unexpected<error> refuse() const {
        return fail(errc::bad_input, fmt::format("damaged JPEG: {}", errors_.text.data()), where_);
    }

    const std::string& where_;
    jpeg_decompress_struct state_{};
    trouble errors_{};
    bool begun_ = false;
};

/// Calls f with the decoder for the file's first bytes, whatever its name ends with.
template <class F>
auto with_decoder(std::span<const std::uint8_t> bytes, const std::string& where, const F& f)
    -> decltype(f(std::declval<png_file&>())) {
    constexpr std::array<std::uint8_t, 8> png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    constexpr std::array<std::uint8_t, 3> jpeg{0xFF, 0xD8, 0xFF};
    const auto begins_with = [&](std::span<const std::uint8_t> magic) {
        return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
    };
    if (begins_with(png)) {
        png_file file(bytes, where);
        return f(file);
    }
    if (begins_with(jpeg)) {
        jpeg_file file(bytes, where);
        return f(file);
    }
    return fail(errc::bad_input, "neither a PNG nor a JPEG image", where,
                bytes.empty() ? "an empty file" : fmt::format("{} bytes of another format", bytes.size()));
}

}  // namespace detail

/// Height and width of an image, as 3 x H x W, from its header. bad_input for another format, a damaged header, CMYK,
/// or too many pixels.
[[nodiscard]] inline result<shape> image_size(std::span<const std::uint8_t> bytes, const std::string& where) {
    return detail::with_decoder(bytes, where, [](auto& file) { return file.size(); });
}

/// The pixels of an image, planar RGB. Errors as image_size(), and bad_input for damaged or missing pixels.
[[nodiscard]] inline result<std::vector<std::uint8_t>> decode_image(std::span<const std::uint8_t> bytes,
                                                                    const std::string& where) {
    return detail::with_decoder(bytes, where, [](auto& file) -> result<std::vector<std::uint8_t>> {
        const auto size = file.size();
        if (!size) return tl::unexpected(size.error());
        std::vector<std::uint8_t> planes(static_cast<std::size_t>(size->elements()));
        if (auto done = file.decode(planes); !done) return tl::unexpected(std::move(done.error()));
        return planes;
    });
}

}  // namespace llmnas
