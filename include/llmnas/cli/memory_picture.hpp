// SPDX-License-Identifier: MIT
/// \file
/// SRAM as bars for a terminal: what every operator takes against the limit, and what lies where in the arena.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <llmnas/cli/terminal.hpp>
#include <llmnas/cli/units.hpp>

namespace llmnas::cli {

/// One line of the picture.
struct picture_row {
    std::string place;  ///< the operator
    bytes size;         ///< what the memory model takes while it runs
    bool peak = false;  ///< whether it is the operator of the peak
};

/// Bars against a limit. The limit is a mark between two cells: no bar within the limit passes it, every bar over it
/// does, however little it is over.
class bar_scale {
public:
    bar_scale(bytes largest, bytes limit, std::size_t cells, bool unicode)
        : largest_(std::max(largest, limit)), limit_(limit), cells_(cells), unicode_(unicode) {
        mark_ = limit_.value == 0 ? 0 : nearest(limit_.value, largest_.value, cells_);
        if (largest_ > limit_ && cells_ > 0) mark_ = std::min(mark_, cells_ - 1);
    }

    /// Cells before the mark.
    [[nodiscard]] std::size_t mark() const { return mark_; }

    /// The bar up to the limit, as wide as all bars are there.
    [[nodiscard]] std::string within(bytes size) const {
        return bar(units(std::min(size, limit_).value, limit_.value, mark_), mark_);
    }
    /// What lies beyond the limit.
    [[nodiscard]] std::string beyond(bytes size) const {
        const std::size_t room = cells_ - mark_;
        if (size <= limit_) return std::string(room, ' ');
        return bar(units(size.value - limit_.value, largest_.value - limit_.value, room), room);
    }

private:
    [[nodiscard]] static std::size_t nearest(std::uint64_t part, std::uint64_t whole, std::size_t steps) {
        const long double share = static_cast<long double>(part) / static_cast<long double>(whole);
        return std::min(steps, static_cast<std::size_t>(share * static_cast<long double>(steps) + 0.5L));
    }

    /// Length of a bar, in eighths of cells where those can be shown; anything that is not 0 is seen.
    [[nodiscard]] std::size_t units(std::uint64_t part, std::uint64_t whole, std::size_t cells) const {
        if (part == 0 || whole == 0 || cells == 0) return 0;
        return std::max<std::size_t>(1, nearest(part, whole, cells * per_cell()));
    }
    [[nodiscard]] std::size_t per_cell() const { return unicode_ ? 8 : 1; }

    [[nodiscard]] std::string bar(std::size_t length, std::size_t cells) const {
        const char* const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
        const std::size_t whole = length / per_cell(), rest = length % per_cell();
        std::string text;
        for (std::size_t i = 0; i < whole; ++i) text += unicode_ ? "█" : "#";
        text += eighths[rest];
        return text + std::string(cells - whole - (rest > 0 ? 1 : 0), ' ');
    }

    bytes largest_;
    bytes limit_;
    std::size_t cells_;
    bool unicode_;
    std::size_t mark_ = 0;
};

/// A bar for each operator, scaled to the larger of the peak and the limit; `>` stands before the operator of the peak.
[[nodiscard]] inline std::string memory_picture(std::span<const picture_row> rows, bytes limit,
                                                const terminal_style& style) {
    bytes largest;
    std::size_t place_width = 0;
    for (const picture_row& r : rows) {
        largest = std::max(largest, r.size);
        place_width = std::max(place_width, r.place.size());
    }
    const std::size_t number_width = fmt::format("{}", rows.size()).size();
    const std::size_t size_width = grouped(largest.value).size();
    const std::size_t around = 2 + number_width + 2 + place_width + 2 + 1 + 1 + size_width;
    const bar_scale scale(largest, limit, style.width > around + 10 ? style.width - around : 10, style.unicode);
    const char* const mark = style.unicode ? "│" : "|";
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const picture_row& r = rows[i];
        const std::string name =
            fmt::format("{} {:>{}}  {:<{}}", r.peak ? '>' : ' ', i + 1, number_width, r.place, place_width);
        text += painted(name, r.peak ? paint::bold : paint::none, style) + "  " + scale.within(r.size) + mark +
                painted(scale.beyond(r.size), r.size > limit ? paint::red : paint::none, style) +
                painted(fmt::format(" {:>{}}", grouped(r.size.value), size_width),
                        r.size > limit ? paint::red : paint::none, style) +
                '\n';
    }
    return text + fmt::format("{:>{}} limit {} B\n", mark, 2 + number_width + 2 + place_width + 2 + scale.mark() + 1,
                              grouped(limit.value));
}

/// Where a buffer lies among `whole` bytes: a bar of `cells` characters.
[[nodiscard]] inline std::string address_bar(bytes offset, bytes end, bytes whole, std::size_t cells, bool unicode) {
    const auto cell = [&](bytes at) {
        const long double share = static_cast<long double>(at.value) / static_cast<long double>(whole.value);
        return std::min(cells, static_cast<std::size_t>(share * static_cast<long double>(cells)));
    };
    if (whole.value == 0 || cells == 0) return {};
    const std::size_t from = std::min(cell(offset), cells - 1), to = std::max(cell(end), from + 1);
    std::string text;
    for (std::size_t i = 0; i < cells; ++i) text += i < from || i >= to ? (unicode ? "·" : ".") : (unicode ? "█" : "#");
    return text;
}

}  // namespace llmnas::cli
