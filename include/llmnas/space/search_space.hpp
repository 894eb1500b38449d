// SPDX-License-Identifier: MIT
/// \file
/// Search spaces as policies: a struct with a stage type, a stage count, a Hana tuple of axes and a list of block
/// types.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/hana/at.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/core/architecture.hpp>
#include <llmnas/space/axis.hpp>

namespace llmnas {

/// The policy: see space/table1.hpp for the paper's space and examples/custom_policies.cpp for a user's own.
template <class S>
concept SearchSpace = requires {
    { S::name } -> std::convertible_to<std::string_view>;
    typename S::stage_type;
    { S::stages } -> std::convertible_to<std::size_t>;
    boost::hana::length(S::axes);
    requires BlockTypeList<typename S::blocks>;
};

template <SearchSpace Space>
inline constexpr std::size_t axis_count = decltype(boost::hana::length(Space::axes))::value;

template <SearchSpace Space, std::size_t K>
using axis_at = std::remove_cvref_t<decltype(boost::hana::at_c<K>(Space::axes))>;

/// Number of choices and JSON name of each axis.
template <SearchSpace Space>
inline constexpr auto axis_sizes = boost::hana::unpack(Space::axes, [](auto... axes) {
    return std::array<std::size_t, sizeof...(axes)>{decltype(axes)::size...};
});
template <SearchSpace Space>
inline constexpr auto axis_names = boost::hana::unpack(Space::axes, [](auto... axes) {
    return std::array<std::string_view, sizeof...(axes)>{decltype(axes)::name...};
});

namespace detail {

template <SearchSpace Space>
struct network_type_of {
    using type = architecture<Space::stages, typename Space::stage_type, typename Space::blocks>;
};
template <SearchSpace Space>
    requires requires { typename Space::network_type; }
struct network_type_of<Space> {
    using type = typename Space::network_type;
};

/// Calls f(axis) for each axis in order.
template <SearchSpace Space, class F>
constexpr void for_each_axis(F&& f) {
    boost::hana::unpack(Space::axes, [&](auto... axes) { (static_cast<void>(f(axes)), ...); });
}

}  // namespace detail

/// Type of the networks of a space: `Space::network_type` where it is given, else an architecture of its stages.
template <SearchSpace Space>
using network_of = typename detail::network_type_of<Space>::type;

/// A point of a space: the number of the choice, for each stage and axis. Axes that do not exist in a stage hold 0.
template <SearchSpace Space>
struct space_point {
    std::array<std::array<std::uint8_t, axis_count<Space>>, Space::stages> choice{};
    friend constexpr bool operator==(const space_point&, const space_point&) = default;
};

namespace detail {

/// Stage given by the choices of one stage: conditions read only axes before their own, so one pass is enough.
template <SearchSpace Space>
[[nodiscard]] constexpr typename Space::stage_type decode_stage(
    const std::array<std::uint8_t, axis_count<Space>>& choice) {
    typename Space::stage_type s{};
    std::size_t k = 0;
    for_each_axis<Space>([&](auto a) {
        using Axis = decltype(a);
        if (Axis::active(s) && choice[k] < Axis::size) s.*Axis::member = Axis::choices[choice[k]];
        ++k;
    });
    return s;
}

}  // namespace detail

/// The network at a point, for an input and a number of classes.
template <SearchSpace Space>
[[nodiscard]] constexpr network_of<Space> decode(const space_point<Space>& p,
                                                 const shape& input = network_of<Space>{}.input,
                                                 std::int32_t classes = network_of<Space>{}.classes) {
    network_of<Space> net{};
    net.input = input;
    net.classes = classes;
    for (std::size_t s = 0; s < Space::stages; ++s) net.stages[s] = detail::decode_stage<Space>(p.choice[s]);
    return net;
}

}  // namespace llmnas
