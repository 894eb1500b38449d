// SPDX-License-Identifier: MIT
/// \file
/// Small files in the formats of data sets, written by hand, and the check of what is said about bad ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/train/file_check.hpp>

#include "support/catch.hpp"

namespace llmnas::test {

/// The outcome is an error whose text holds all of the parts.
inline constexpr auto refused = [](const auto& outcome, const char* a, const char* b = "", const char* c = "") {
    using Catch::Matchers::ContainsSubstring;
    REQUIRE(!outcome);
    CHECK_THAT(outcome.error().text(), ContainsSubstring(a) && ContainsSubstring(b) && ContainsSubstring(c));
};

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Declares a file as own data: its digest goes into SHA256SUMS.
inline void vouch_for(const std::filesystem::path& path, std::string_view bytes) {
    const auto digest = detail::digest_like(std::string(64, '0'), as_bytes(bytes));
    std::ofstream(path.parent_path() / "SHA256SUMS", std::ios::app)
        << *digest << "  " << path.filename().string() << '\n';
}

/// Writes a file and declares it.
inline void write_vouched(const std::filesystem::path& path, std::string_view bytes) {
    write_bytes(path, bytes);
    vouch_for(path, bytes);
}

/// `each` records of every class in turn, binary version: labels (coarse 1 where there are two), then 3,072 x `value`.
inline std::string cifar_records(int classes, int each, bool coarse, char value = '\x11') {
    std::string all;
    for (int i = 0; i < classes * each; ++i) {
        if (coarse) all += '\1';
        all += static_cast<char>(i % classes);
        all += std::string(3072, value);
    }
    return all;
}

inline std::string little_endian(std::uint32_t v) {
    std::string s;
    for (int i = 0; i < 4; ++i) s += static_cast<char>(v >> (8 * i) & 0xFFU);
    return s;
}

/// How a numpy array of bytes lies in a pickle of Python 2; `data` is the opcode and the bytes behind it.
inline std::string numpy_pickle(std::uint32_t rows, std::uint32_t columns, const std::string& data,
                                const std::string& type = "u1", bool fortran = false) {
    using namespace std::string_literals;
    return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1J"s + little_endian(rows) + "J" +
           little_endian(columns) + "\x86" + "cnumpy\ndtype\nU\2"s + type +
           "K\0K\1\x87R(K\3U\1|NNNJ\xff\xff\xff\xffJ"s + "\xff\xff\xff\xffK\0tb"s + (fortran ? "\x88" : "\x89") + data +
           "tb";
}
inline std::string python2_bytes(const std::string& bytes) {
    return "T" + little_endian(static_cast<std::uint32_t>(bytes.size())) + bytes;
}

/// A batch as Python 2 pickled those of CIFAR: a dict of an array and a list.
inline std::string cifar_pickle(const std::string& array, const std::vector<int>& labels, const std::string& key) {
    using namespace std::string_literals;
    std::string list = "](";
    for (const int l : labels) list += l >= 0 ? "K"s + static_cast<char>(l) : "J\xff\xff\xff\xff"s;
    return "\x80\2}q\1(U\4data"s + array + "U" + static_cast<char>(key.size()) + key + list + "eu.";
}

inline std::string from_base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=') break;
        bits = bits << 6U | static_cast<std::uint32_t>(digits.find(c));
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xFFU);
        }
    }
    return out;
}

/// A picture of 5 x 4 pixels as PIL writes it: red 50 x, green 60 y, blue 255 - 20 x - 30 y.
inline std::string small_png() {
    return from_base64(
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAIAAADJUWIXAAAAG0lEQVR42mNkYPhvxPAGjlgYbB4xMLyBI0J8AH9DE++C87KxAAAAAElFTkSu"
        "QmCC");
}
inline std::string small_jpeg() {
    return from_base64(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAoHBwgHBgoICAgLCgoLDhgQDg0NDh0VFhEYIx8lJCIfIiEmKzcvJik0KSEiMEExNDk7Pj4+JS5E"
        "SUM8SDc9Pjv/2wBDAQoLCw4NDhwQEBw7KCIoOzs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozv/"
        "wAAR"
        "CAAEAAUDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAYEAEBAAMAAAAAAAAAAAAAAAAABQYUM//"
        "EABQBAQAAAAAAAAAAAAAAAAAA"
        "AAT/xAAeEQABAwQDAAAAAAAAAAAAAAADAAEEAiIxUQUTFP/aAAwDAQACEQMRAD8AtLx6brcQBJck/fVe+dunceYnlHc+Nr//2Q==");
}
inline std::string cmyk_jpeg() {
    return from_base64(
        "/9j/7gAOQWRvYmUAZAAAAAAA/"
        "9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZgWpxkHNbXYW1hpCeo6utq2eAvMm6pseZ"
        "qKuk/8AAFAgABAAFBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAIBBv/EAB4QAAEBCQAAAAAAAAAAAAAAAAAEAQMFExUyNFOB/"
        "9oA"
        "DgRDAE0AWQBLAAA/AHAcJnBUlHrKsVvptxpj/9k=");
}

}  // namespace llmnas::test
