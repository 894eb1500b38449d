// SPDX-License-Identifier: MIT
/// \file
/// Files of data sets, read whole and only when they are what was published, or what their owner says they are. No
/// torch.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <llmnas/core/result.hpp>

namespace llmnas {

/// A file of a published data set.
struct published_file {
    std::string_view name;
    std::string_view digest = {};  ///< hexadecimal SHA-256, or MD5 where only that is published; empty: not checked
    std::uintmax_t bytes = 0;      ///< 0: not known
};

/// A file that was read, and whether SHA256SUMS beside it vouches for it: then it need not be the published one.
struct checked_file {
    std::vector<std::uint8_t> bytes;
    bool vouched = false;
};

namespace detail {

inline constexpr std::string_view digest_list = "SHA256SUMS";
inline constexpr std::uintmax_t max_data_file = std::uintmax_t{1} << 30;

/// SHA-256 or MD5 by the length of the digest that is wanted, in lower-case hexadecimal. unavailable where OpenSSL does
/// not offer it (MD5 in FIPS mode).
inline result<std::string> digest_like(std::string_view wanted, std::span<const std::uint8_t> bytes) {
    const EVP_MD* const kind = wanted.size() == 32 ? EVP_md5() : EVP_sha256();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kind, nullptr) != 1)
        return fail(errc::unavailable,
                    wanted.size() == 32 ? "OpenSSL computes no MD5 here" : "OpenSSL computes no SHA-256");
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

/// The digest that SHA256SUMS in the same folder, as sha256sum writes it, gives for the file. Errors: io, and bad_input
/// for a line about the file that holds no digest.
inline result<std::optional<std::string>> listed_digest(const std::filesystem::path& file) {
    const std::filesystem::path list = file.parent_path() / digest_list;
    std::error_code ignored;
    if (!std::filesystem::exists(list, ignored)) return std::nullopt;
    std::ifstream in(list);
    if (!in) return fail(errc::io, "cannot open", list.string());
    std::string line;
    for (int number = 1; std::getline(in, line) && number < 100'000; ++number) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const std::size_t space = line.find(' ');
        // Behind the digest: a space, and a second one or an asterisk.
        if (space == std::string::npos || line.size() < space + 3) continue;
        std::string_view name = std::string_view(line).substr(space + 2);
        if (name.starts_with("./")) name.remove_prefix(2);
        if (name != file.filename().string()) continue;
        std::string digest = line.substr(0, space);
        const auto hexadecimal = [](unsigned char c) { return std::isxdigit(c) != 0; };
        if (digest.size() != 64 || !std::all_of(digest.begin(), digest.end(), hexadecimal))
            return fail(errc::bad_input, "no SHA-256", fmt::format("{}, line {}", list.string(), number), digest,
                        "64 hexadecimal digits");
        std::transform(digest.begin(), digest.end(), digest.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return digest;
    }
    return std::nullopt;
}

}  // namespace detail

/// Reads the file of the folder. It must have the size and digest that were published; where SHA256SUMS in the folder
/// names it, it must have the digest given there and may be anything else: that is how own data in a published format
/// are declared. Errors: unavailable (no such file), io, bad_input (size, digest, larger than 1 GiB).
[[nodiscard]] inline result<checked_file> read_checked(const std::filesystem::path& folder,
                                                       const published_file& wanted) {
    const std::filesystem::path path = folder / wanted.name;
    std::error_code status;
    if (!std::filesystem::is_regular_file(path, status)) return fail(errc::unavailable, "no such file", path.string());
    const std::uintmax_t size = std::filesystem::file_size(path, status);
    if (status) return fail(errc::io, "cannot read: " + status.message(), path.string());
    if (size > detail::max_data_file)
        return fail(errc::bad_input, "file too large", path.string(), fmt::format("{} bytes", size),
                    fmt::format("at most {}", detail::max_data_file));
    const auto listed = detail::listed_digest(path);
    if (!listed) return tl::unexpected(listed.error());
    const std::string advice = fmt::format("; own data are declared in {} beside it", detail::digest_list);
    if (!*listed && wanted.bytes != 0 && size != wanted.bytes)
        return fail(errc::bad_input, size < wanted.bytes ? "file is truncated" : "file is too long", path.string(),
                    fmt::format("{} bytes", size), fmt::format("{} bytes{}", wanted.bytes, advice));
    checked_file file;
    file.vouched = listed->has_value();
    file.bytes.resize(static_cast<std::size_t>(size));
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(errc::io, "cannot open", path.string());
    if (size > 0 && !in.read(reinterpret_cast<char*>(file.bytes.data()), static_cast<std::streamsize>(size)))
        return fail(errc::io, fmt::format("read stopped behind {} of {} bytes", in.gcount(), size), path.string());
    const std::string expected = *listed ? **listed : std::string(wanted.digest);
    if (expected.empty()) return file;
    const auto digest = detail::digest_like(expected, file.bytes);
    if (!digest) return tl::unexpected(digest.error());
    if (*digest != expected)
        return fail(errc::bad_input,
                    file.vouched ? fmt::format("checksum differs from the one in {}", detail::digest_list)
                                 : "checksum differs from the published file's",
                    path.string(), *digest, file.vouched ? expected : expected + advice);
    return file;
}

}  // namespace llmnas
