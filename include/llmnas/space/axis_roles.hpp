// SPDX-License-Identifier: MIT
/// \file
/// What the size rules of a space's block types (core/size_rules.hpp) say about its axes: which axes must be visited
/// choice by choice to find the smallest and the largest stage, and which one end is enough of.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/core/size_rules.hpp>
#include <llmnas/space/cardinality.hpp>

namespace llmnas {

/// Which end of an order.
enum class extreme : std::uint8_t { least, greatest };

/// How an axis decides the size of a stage.
enum class axis_role : std::uint8_t {
    every,    ///< nothing is known: every choice counts
    any,      ///< without effect on sizes
    rising,   ///< a greater value is a larger stage
    falling,  ///< a greater value is a smaller stage with a smaller output
};

namespace detail {

/// Whether a condition holds for every value that its member can have in the space.
template <SearchSpace Space, class Condition>
[[nodiscard]] constexpr bool holds_in_space() {
    typename Space::stage_type s{};
    bool ok = true;
    bool always_chosen = false;
    for_each_axis<Space>([&](auto a) {
        using Axis = decltype(a);
        if constexpr (same_member<Axis::member, Condition::member>) {
            always_chosen = always_chosen || !Axis::conditional;
            for (const auto& value : Axis::choices) {
                s.*Axis::member = value;
                ok = ok && Condition::holds(s);
            }
        }
    });
    return ok && (always_chosen || Condition::holds(typename Space::stage_type{}));
}

/// What one size rule says about a member.
template <SearchSpace Space, auto Member, class Rule>
inline constexpr axis_role role_by_rule = axis_role::every;
template <SearchSpace Space, auto Member>
inline constexpr axis_role role_by_rule<Space, Member, same_size<Member>> = axis_role::any;
template <SearchSpace Space, auto Member, class... Conditions>
inline constexpr axis_role role_by_rule<Space, Member, rises<Member, Conditions...>> =
    (holds_in_space<Space, Conditions>() && ...) ? axis_role::rising : axis_role::every;
template <SearchSpace Space, auto Member, class... Conditions>
inline constexpr axis_role role_by_rule<Space, Member, falls<Member, Conditions...>> =
    (holds_in_space<Space, Conditions>() && ...) ? axis_role::falling : axis_role::every;
template <SearchSpace Space, auto Member>
inline constexpr axis_role role_by_rule<Space, Member, inert<Member>> = axis_role::any;

/// Whether a block type makes a promise: `blocks_repeat` or `grows_with_map`.
template <class Block, class Promise>
[[nodiscard]] constexpr bool promises() {
    if constexpr (requires { Block::size_rules; })
        return boost::hana::unpack(Block::size_rules, [](auto... rules) {
            return (std::is_same_v<typename decltype(rules)::type, Promise> || ...);
        });
    else
        return false;
}

template <SearchSpace Space, auto Member, class Block>
[[nodiscard]] constexpr axis_role role_in_block() {
    axis_role role = axis_role::every;
    const auto take = [&](axis_role found) {
        if (role == axis_role::every) role = found;
    };
    if constexpr (requires { Block::size_rules; })
        boost::hana::unpack(Block::size_rules, [&](auto... rules) {
            (take(role_by_rule<Space, Member, typename decltype(rules)::type>), ...);
        });
    for_each_rule<Block>([&](auto rule) { take(role_by_rule<Space, Member, decltype(rule)>); });
    return role == axis_role::falling && !promises<Block, grows_with_map>() ? axis_role::every : role;
}

/// Calls f() for each combination of values of the fields that conditions read; they stand in s.
template <SearchSpace Space, std::size_t K = 0, class F>
constexpr void for_each_condition_value(typename Space::stage_type& s, F&& f) {
    if constexpr (K == axis_count<Space>) {
        f();
    } else {
        using Axis = axis_at<Space, K>;
        if constexpr (is_condition_field<Space, Axis::member>()) {
            for (const auto& value : Axis::choices) {
                s.*Axis::member = value;
                for_each_condition_value<Space, K + 1>(s, f);
            }
            if constexpr (!default_is_a_choice<Axis>) {
                s.*Axis::member = typename Space::stage_type{}.*Axis::member;
                for_each_condition_value<Space, K + 1>(s, f);
            }
        } else {
            for_each_condition_value<Space, K + 1>(s, f);
        }
    }
}

/// Whether the member of a conditional axis is without effect wherever the axis does not exist.
template <SearchSpace Space, class Axis>
inline constexpr bool inert_where_absent = [] {
    bool ok = true;
    typename Space::stage_type s{};
    for_each_condition_value<Space>(
        s, [&] { ok = ok && (Axis::active(s) || is_inert<typename Space::blocks, Axis::member>(s)); });
    return ok;
}();

template <class T>
concept Ordered = requires(const T& a, const T& b) {
    { a < b } -> std::convertible_to<bool>;
};

}  // namespace detail

/// Role of axis K: what all block types of the space agree on. An axis that decides whether another one exists is
/// visited choice by choice, unless it has a direction and the other one is without effect where it does not exist.
template <SearchSpace Space, std::size_t K>
inline constexpr axis_role role_of_axis = [] {
    using Axis = axis_at<Space, K>;
    axis_role role = axis_role::any;
    boost::hana::unpack(Space::blocks::types, [&](auto... blocks) {
        const auto take = [&](axis_role found) {
            if (role == axis_role::any)
                role = found;
            else if (found != axis_role::any && found != role)
                role = axis_role::every;
        };
        (take(detail::role_in_block<Space, Axis::member, typename decltype(blocks)::type>()), ...);
    });
    if (!detail::Ordered<typename Axis::value_type> && role != axis_role::any) role = axis_role::every;
    detail::for_each_axis<Space>([&](auto other) {
        if constexpr (decltype(other)::template reads<Axis::member>)
            if (role == axis_role::any || !detail::inert_where_absent<Space, decltype(other)>) role = axis_role::every;
    });
    return role;
}();

/// Roles of all axes, in their order.
template <SearchSpace Space>
inline constexpr auto axis_roles = []<std::size_t... K>(std::index_sequence<K...>) {
    return std::array<axis_role, sizeof...(K)>{role_of_axis<Space, K>...};
}
(std::make_index_sequence<axis_count<Space>>{});

namespace detail {

/// Position of the least or greatest value among the choices of an axis.
template <class Axis>
[[nodiscard]] constexpr std::uint8_t end_of_axis(extreme e) {
    std::size_t best = 0;
    if constexpr (Ordered<typename Axis::value_type>)
        for (std::size_t c = 1; c < Axis::size; ++c) {
            const auto& a = Axis::choices[e == extreme::least ? c : best];
            const auto& b = Axis::choices[e == extreme::least ? best : c];
            if (a < b) best = c;
        }
    return static_cast<std::uint8_t>(best);
}

}  // namespace detail
}  // namespace llmnas
