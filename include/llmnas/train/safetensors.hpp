// SPDX-License-Identifier: MIT
/// \file
/// Weights and checkpoints as safetensors files.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <llmnas/core/atomic_file.hpp>
#include <llmnas/train/safetensors_header.hpp>
#include <llmnas/train/state_dict.hpp>
#include <llmnas/train/torch_compat.hpp>

namespace llmnas {

namespace detail {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

inline constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> safetensors_types{{{"F64", at::kDouble},
                                                                                                {"F32", at::kFloat},
                                                                                                {"F16", at::kHalf},
                                                                                                {"BF16", at::kBFloat16},
                                                                                                {"I64", at::kLong},
                                                                                                {"I32", at::kInt},
                                                                                                {"I16", at::kShort},
                                                                                                {"I8", at::kChar},
                                                                                                {"U8", at::kByte},
                                                                                                {"BOOL", at::kBool}}};

}  // namespace detail

/// Writes the file atomically (core/atomic_file.hpp). bad_input for an element type that the format lacks, io where it
/// cannot be written.
[[nodiscard]] inline result<void> write_safetensors(const std::filesystem::path& path, const state_dict& tensors,
                                                    const std::map<std::string, std::string>& metadata = {}) {
    safetensors::header header;
    header.metadata = metadata;
    std::vector<at::Tensor> kept;  // contiguous copies on the CPU, alive until the bytes are written
    std::uint64_t at = 0;
    for (const named_tensor& t : tensors.entries) {
        std::string type;
        for (const auto& [name, scalar] : detail::safetensors_types)
            if (scalar == t.value.scalar_type()) type = name;
        if (type.empty()) return fail(errc::bad_input, "element type that safetensors lacks", path.string(), t.name);
        kept.push_back(t.value.detach().to(at::kCPU).contiguous());
        const std::uint64_t size = kept.back().nbytes();
        header.tensors.push_back({t.name, type, t.value.sizes().vec(), at, at + size});
        at += size;
    }
    const std::string text = safetensors::write_header(header);
    const std::uint64_t length = text.size();
    std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(&length, 1)),
                                                   std::as_bytes(std::span<const char>(text))};
    for (const at::Tensor& t : kept)
        if (t.nbytes() > 0) pieces.emplace_back(static_cast<const std::byte*>(t.data_ptr()), t.nbytes());
    return write_atomically(path, pieces);
}

/// Reads a file onto the CPU. Errors: unavailable (no such file), bad_input (header too long or malformed, offsets that
/// overlap or leave the file), io.
[[nodiscard]] inline result<weights_file> read_safetensors(const std::filesystem::path& path) {
    const std::string where = path.string();
    std::error_code status;
    if (!std::filesystem::is_regular_file(path, status)) return fail(errc::unavailable, "no such file", where);
    const std::uint64_t bytes = std::filesystem::file_size(path, status);
    std::ifstream in(path, std::ios::binary);
    if (status || !in) return fail(errc::io, "cannot open", where);
    std::uint64_t length = 0;
    if (bytes < sizeof length)
        return fail(errc::bad_input, "safetensors: file is truncated", where, fmt::format("{} bytes", bytes));
    std::array<char, sizeof length> first{};
    in.read(first.data(), sizeof length);
    length = std::bit_cast<std::uint64_t>(first);
    if (length > safetensors::max_header_bytes || length > bytes - sizeof length)
        return fail(errc::bad_input, "safetensors: length of the header", where, fmt::format("{}", length),
                    fmt::format("at most {} in a file of {} bytes",
                                std::min(bytes - sizeof length, safetensors::max_header_bytes), bytes));
    std::string text(static_cast<std::size_t>(length), ' ');
    in.read(text.data(), static_cast<std::streamsize>(length));
    auto header = safetensors::parse_header(text, bytes - sizeof length - length, where);
    if (!header) return tl::unexpected(std::move(header.error()));

    weights_file out;
    out.metadata = std::move(header->metadata);
    try {
        for (const safetensors::tensor_entry& e : header->tensors) {
            at::ScalarType type = at::kFloat;
            for (const auto& [name, scalar] : detail::safetensors_types)
                if (name == e.type) type = scalar;
            at::Tensor t = at::empty(e.shape, type);
            in.read(static_cast<char*>(t.data_ptr()), static_cast<std::streamsize>(e.end - e.begin));
            if (!in) return fail(errc::io, "cannot read " + e.name, where);
            out.tensors.entries.push_back({e.name, std::move(t)});
        }
    } catch (const std::exception& e) {
        return fail(errc::io, "cannot read: " + first_line_of(e), where);
    }
    return out;
}

}  // namespace llmnas
