// SPDX-License-Identifier: MIT
/// \file
/// Arrays of bytes out of pickles, as numpy writes them under Python 2 and 3. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <llmnas/core/result.hpp>
#include <llmnas/train/pickle_document.hpp>

namespace llmnas::pickle {

/// A matrix of unsigned bytes in row-major order.
class byte_matrix {
public:
    byte_matrix(std::size_t row_count, std::size_t column_count, std::span<const std::uint8_t> raw)
        : rows(row_count), columns(column_count), raw_(raw) {}
    byte_matrix(std::size_t row_count, std::size_t column_count, std::vector<std::uint8_t> own)
        : rows(row_count), columns(column_count), own_(std::move(own)) {}

    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
        return own_.empty() ? raw_ : std::span<const std::uint8_t>(own_);
    }

    std::size_t rows;
    std::size_t columns;

private:
    std::span<const std::uint8_t> raw_;  ///< into the pickle
    std::vector<std::uint8_t> own_;      ///< where they had to be converted
};

namespace detail {

/// Text of which every character is one byte: how Python 3 puts bytes into a pickle of protocol 2.
inline bool decode_latin1(std::string_view text, std::vector<std::uint8_t>& out) {
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<std::uint8_t>(text[i]);
        if (c < 0x80) {
            out.push_back(c);
            continue;
        }
        if ((c != 0xC2 && c != 0xC3) || i + 1 == text.size()) return false;
        const auto next = static_cast<std::uint8_t>(text[++i]);
        if ((next & 0xC0U) != 0x80) return false;
        out.push_back(static_cast<std::uint8_t>((c & 3U) << 6U | (next & 0x3FU)));
    }
    return true;
}

}  // namespace detail

/// The two-dimensional array of type uint8 that the value stands for. bad_input where it is another value or array, or
/// has more or fewer bytes than its shape says.
[[nodiscard]] inline result<byte_matrix> read_byte_matrix(const document& doc, const value& v,
                                                          const std::string& where) {
    const auto refuse = [&](std::string what, std::string got = {}, std::string wanted = {}) {
        return fail(errc::bad_input, std::move(what), where, std::move(got), std::move(wanted));
    };
    const auto is_call = [&](const value& x, std::string_view name, std::size_t parts) {
        return x.kind == kind::call && x.items.size() == parts && doc[x.items[0]].text.ends_with(name);
    };
    // Up to protocol 4: made empty, then given a state. From protocol 5 on: made of a buffer.
    const bool from_buffer = is_call(v, " _frombuffer", 2);
    if (!from_buffer && !is_call(v, " _reconstruct", 3)) return refuse("no numpy array");
    const value& state = doc[v.items[from_buffer ? 1 : 2]];
    if (state.kind != kind::tuple || state.items.size() != (from_buffer ? 4 : 5))
        return refuse("malformed numpy array");
    const value& extents = doc[state.items[from_buffer ? 2 : 1]];
    const value& type = doc[state.items[from_buffer ? 1 : 2]];
    const value& order = doc[state.items[3]];
    const value& data = doc[state.items[from_buffer ? 0 : 4]];
    const bool by_columns = from_buffer ? text_of(order) == "F" : order.integer != 0;

    const auto* arguments = is_call(type, "numpy dtype", 3) ? &doc[type.items[1]] : nullptr;
    if (arguments == nullptr || arguments->kind != kind::tuple || arguments->items.empty())
        return refuse("malformed type of a numpy array");
    if (const auto name = text_of(doc[arguments->items[0]]); name != "u1")
        return refuse("numpy array of another type", std::string(name.substr(0, 20)), "u1");
    std::vector<std::int64_t> shape;
    if (extents.kind == kind::tuple && extents.items.size() <= 8)
        for (const std::uint32_t i : extents.items) shape.push_back(doc[i].kind == kind::integer ? doc[i].integer : -1);
    if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
        return refuse("numpy array of another shape", fmt::format("({})", fmt::join(shape, ", ")), "(images, bytes)");
    const auto rows = static_cast<std::size_t>(shape[0]);
    const auto columns = static_cast<std::size_t>(shape[1]);

    std::span<const std::uint8_t> raw = data.raw;
    std::vector<std::uint8_t> own;
    if (is_call(data, "_codecs encode", 2)) {
        const value& encoded = doc[data.items[1]];
        if (encoded.kind != kind::tuple || encoded.items.size() != 2 || text_of(doc[encoded.items[1]]) != "latin1" ||
            !detail::decode_latin1(doc[encoded.items[0]].text, own))
            return refuse("bytes of a numpy array that are not coded as latin1");
        raw = own;
    } else if (data.kind != kind::bytes) {
        return refuse("numpy array without bytes");
    }
    if (raw.size() / columns != rows || raw.size() % columns != 0)
        return refuse("numpy array of another size than its shape says", fmt::format("{} bytes", raw.size()),
                      fmt::format("{} x {}", rows, columns));
    if (!by_columns) return own.empty() ? byte_matrix(rows, columns, raw) : byte_matrix(rows, columns, std::move(own));
    std::vector<std::uint8_t> turned(raw.size());
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) turned[r * columns + c] = raw[c * rows + r];
    return byte_matrix(rows, columns, std::move(turned));
}

}  // namespace llmnas::pickle
