// SPDX-License-Identifier: MIT
/// \file
/// A space with fewer choices on its axes, as a space like any other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// Which choices of each axis remain. A structural type.
template <SearchSpace Space>
struct choice_mask {
    std::array<std::array<bool, 256>, axis_count<Space>> keep{};
    friend constexpr bool operator==(const choice_mask&, const choice_mask&) = default;

    [[nodiscard]] constexpr std::size_t count(std::size_t axis) const noexcept {
        std::size_t n = 0;
        for (std::size_t c = 0; c < axis_sizes<Space>[axis]; ++c) n += keep[axis][c] ? 1 : 0;
        return n;
    }
    /// Every axis has a choice.
    [[nodiscard]] constexpr bool complete() const noexcept {
        for (std::size_t k = 0; k < axis_count<Space>; ++k)
            if (count(k) == 0) return false;
        return true;
    }
};

namespace detail {

/// The axis with the choices that a row of a mask keeps.
template <class Axis, auto Row>
struct masked_axis {
    static constexpr std::size_t size = [] {
        std::size_t n = 0;
        for (std::size_t c = 0; c < Axis::size; ++c) n += Row[c] ? 1 : 0;
        return n;
    }();
    static constexpr auto kept = [] {
        std::array<std::size_t, size> positions{};
        std::size_t n = 0;
        for (std::size_t c = 0; c < Axis::size; ++c)
            if (Row[c]) positions[n++] = c;
        return positions;
    }();
    template <std::size_t... I>
    static auto with(std::index_sequence<I...>) -> typename Axis::template with_choices<Axis::choices[kept[I]]...>;
    using type = decltype(with(std::make_index_sequence<size>{}));
};

template <std::size_t N>
struct joined_name {
    char text[N + 1]{};
    constexpr joined_name(std::string_view a, std::string_view b) {
        std::size_t n = 0;
        for (const char c : a) text[n++] = c;
        for (const char c : b) text[n++] = c;
    }
};

}  // namespace detail

/// The space with the choices that the mask keeps; its name ends in `_restricted`. Networks, stages and block types are
/// those of the space.
template <SearchSpace Space, choice_mask<Space> Mask>
struct space_subset {
    static_assert(Mask.complete(), "llmnas: a subset of a space needs at least one choice on every axis");

private:
    static constexpr std::string_view suffix = "_restricted";
    static constexpr std::size_t name_size = std::string_view(Space::name).size() + suffix.size();
    static constexpr detail::joined_name<name_size> joined{Space::name, suffix};

public:
    static constexpr std::string_view name{joined.text, name_size};
    using stage_type = typename Space::stage_type;
    using blocks = typename Space::blocks;
    using network_type = network_of<Space>;
    static constexpr std::size_t stages = Space::stages;
    static constexpr auto axes = []<std::size_t... K>(std::index_sequence<K...>) {
        return boost::hana::make_tuple(typename detail::masked_axis<axis_at<Space, K>, Mask.keep[K]>::type{}...);
    }
    (std::make_index_sequence<axis_count<Space>>{});
};

}  // namespace llmnas
