// SPDX-License-Identifier: MIT
/// \file
/// Reading and writing JSON and text files, with errors that name the file.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <llmnas/core/atomic_file.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/json/utf8.hpp>

namespace llmnas {

/// Whole file as text, at most `limit` bytes.
[[nodiscard]] inline result<std::string> read_text_file(const std::filesystem::path& path,
                                                        std::uintmax_t limit = 64U << 20U) {
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) return fail(errc::io, "no such file", path.string());
    if (std::filesystem::is_directory(path, ec)) return fail(errc::io, "is a directory, not a file", path.string());
    const auto size = std::filesystem::file_size(path, ec);
    if (!ec && size > limit)
        return fail(errc::io, "file too large", path.string(), fmt::format("{} bytes", size),
                    fmt::format("at most {}", limit));
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(errc::io, "cannot open file", path.string(), std::strerror(errno));
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in.bad()) return fail(errc::io, "cannot read file", path.string());
    return text;
}

/// Parses text; `where` (a file name, usually) and the byte offset stand in the error. Arrays and objects may stand 64
/// deep in each other: what walks the document later does so by recursion.
[[nodiscard]] inline result<nlohmann::ordered_json> parse_json(std::string_view text, const std::string& where) {
    constexpr int max_depth = 64;
    bool too_deep = false;
    const auto watch = [&too_deep](int depth, nlohmann::ordered_json::parse_event_t, const nlohmann::ordered_json&) {
        too_deep = too_deep || depth > max_depth;
        return !too_deep;
    };
    const auto deep = [&] {
        return fail(errc::bad_input, "JSON nested too deeply", where, "", fmt::format("at most {} levels", max_depth));
    };
    try {
        auto document = nlohmann::ordered_json::parse(text, watch);
        if (too_deep) return deep();
        return document;
    } catch (const nlohmann::json::parse_error& e) {
        if (too_deep) return deep();
        return fail(errc::bad_input, fmt::format("malformed JSON at byte {}", e.byte), where,
                    text.empty() ? "nothing" : one_line(text.substr(e.byte > 0 ? e.byte - 1 : 0, 20)), "JSON");
    }
}

[[nodiscard]] inline result<nlohmann::ordered_json> read_json_file(const std::filesystem::path& path) {
    auto text = read_text_file(path);
    if (!text) return tl::unexpected<error>(text.error());
    return parse_json(*text, path.string());
}

/// Replaces the file as a whole, so that a reader never sees half of it.
[[nodiscard]] inline result<void> write_text_file(const std::filesystem::path& path, std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return write_atomically(path, std::span(&bytes, 1));
}

}  // namespace llmnas
