// SPDX-License-Identifier: MIT
/// \file
/// Values with units on the command line: `320KiB`, `70M:350M`, `3x160x160`. And the same for people to read.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/quantities.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/shape.hpp>

namespace llmnas::cli {

namespace detail {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

/// A whole or decimal number and a unit. Decimals are taken exactly: 1.5M is 1,500,000.
[[nodiscard]] inline result<std::uint64_t> number_with_unit(std::string_view text, std::string_view flag,
                                                            std::initializer_list<unit> units,
                                                            std::string_view wanted) {
    const auto refuse = [&] {
        return fail(errc::bad_input, "not a value", std::string(flag), std::string(text), std::string(wanted));
    };
    std::size_t i = 0;
    std::uint64_t value = 0;
    std::uint64_t scale = 1;
    bool point = false;
    for (; i < text.size() && ((text[i] >= '0' && text[i] <= '9') || (text[i] == '.' && !point)); ++i) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        if (value > (std::numeric_limits<std::uint64_t>::max() - 9) / 10) return refuse();
        value = value * 10 + static_cast<std::uint64_t>(text[i] - '0');
        if (point) scale = saturating_mul(scale, 10);
    }
    if (i == 0 || text.substr(0, i) == ".") return refuse();
    std::string_view name = text.substr(i);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    for (const unit& u : units)
        if (u.name == name) {
            const std::uint64_t product = saturating_mul(value, u.factor);
            if (product == std::numeric_limits<std::uint64_t>::max() || product % scale != 0) return refuse();
            return product / scale;
        }
    return refuse();
}

}  // namespace detail

/// `327680`, `320KiB`, `320kB`, `2MB`, `2MiB`.
[[nodiscard]] inline result<bytes> parse_bytes(std::string_view text, std::string_view flag) {
    auto n = detail::number_with_unit(
        text, flag,
        {{"", 1}, {"B", 1}, {"kB", 1000}, {"KB", 1000}, {"KiB", 1024}, {"MB", 1'000'000}, {"MiB", 1024 * 1024}},
        "a size like 327680, 320KiB or 2MB");
    if (!n) return tl::unexpected<error>(n.error());
    return bytes{*n};
}

/// `70M:350M`, in MACs; `k`, `M` and `G` are powers of 1000.
[[nodiscard]] inline result<std::pair<macs, macs>> parse_mac_range(std::string_view text, std::string_view flag) {
    const auto colon = text.find(':');
    const std::string_view wanted = "MIN:MAX like 70M:350M";
    if (colon == std::string_view::npos)
        return fail(errc::bad_input, "not a range", std::string(flag), std::string(text), std::string(wanted));
    std::uint64_t ends[2];
    for (int i = 0; i < 2; ++i) {
        auto n = detail::number_with_unit(i == 0 ? text.substr(0, colon) : text.substr(colon + 1), flag,
                                          {{"", 1}, {"k", 1000}, {"M", 1'000'000}, {"G", 1'000'000'000}}, wanted);
        if (!n) return tl::unexpected<error>(n.error());
        ends[i] = *n;
    }
    if (ends[0] > ends[1])
        return fail(errc::bad_input, "an empty range", std::string(flag), std::string(text), std::string(wanted));
    return std::pair{macs{ends[0]}, macs{ends[1]}};
}

/// `3x160x160`: channels, height, width.
[[nodiscard]] inline result<shape> parse_shape(std::string_view text, std::string_view flag) {
    std::array<std::int32_t, 3> extent{};
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (std::size_t i = 0; i < 3; ++i) {
        const auto [next, ec] = std::from_chars(at, end, extent[i]);
        const bool last = i == 2;
        if (ec != std::errc{} || extent[i] < 1 || extent[i] > max_extent ||
            (last ? next != end : next == end || *next != 'x'))
            return fail(errc::bad_input, "not a shape", std::string(flag), std::string(text),
                        "CHANNELSxHEIGHTxWIDTH like 3x160x160, each 1 to 32768");
        at = next + 1;
    }
    return shape{extent[0], extent[1], extent[2]};
}

/// `204,800`.
[[nodiscard]] inline std::string grouped(std::uint64_t n) {
    std::string s = fmt::format("{}", n);
    for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(s.size()) - 3; i > 0; i -= 3)
        s.insert(static_cast<std::size_t>(i), ",");
    return s;
}

/// `204,800 B (200.0 KiB)`.
[[nodiscard]] inline std::string readable(bytes b) {
    return fmt::format("{} B ({:.1f} KiB)", grouped(b.value), static_cast<double>(b.value) / 1024);
}

}  // namespace llmnas::cli
