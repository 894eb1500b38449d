// SPDX-License-Identifier: MIT
/// \file
/// How many points a space has, and the bijection between points and indices. Counting goes over the values of the
/// fields that conditions read, not over the points: 40 steps for the paper's 17,280 configurations a stage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <llmnas/space/canonical.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// 128 bits: the paper's space has about 1.5e21 points.
__extension__ typedef unsigned __int128 uint128;

namespace detail {

/// Whether a condition of an axis or an inert rule of a block type reads the member.
template <SearchSpace Space, auto Member>
[[nodiscard]] constexpr bool is_condition_field() {
    bool result = std::is_same_v<typename member_pointer<decltype(Member)>::value_type, block_type>;
    for_each_axis<Space>([&](auto a) { result = result || decltype(a)::template reads<Member>; });
    boost::hana::unpack(Space::blocks::types, [&](auto... blocks) {
        (for_each_rule<typename decltype(blocks)::type>(
             [&](auto rule) { result = result || decltype(rule)::template reads<Member>; }),
         ...);
    });
    return result;
}

/// Conditions of an axis may read only members of axes before it (or of no axis at all).
template <SearchSpace Space>
[[nodiscard]] consteval bool conditions_read_backwards() {
    bool ok = true;
    std::size_t k = 0;
    for_each_axis<Space>([&](auto a) {
        std::size_t j = 0;
        for_each_axis<Space>([&](auto b) {
            if (j >= k && decltype(a)::template reads<decltype(b)::member>) ok = false;
            ++j;
        });
        ++k;
    });
    return ok;
}

/// Whether the field's default value is among the choices of its axis.
template <class Axis>
inline constexpr bool default_is_a_choice = [] {
    bool found = false;
    for (const auto& value : Axis::choices) found = found || typename Axis::stage_type{}.*Axis::member == value;
    return found;
}();

/// Canonical forms of one stage. The first pass fixes the fields that conditions read, to each choice and to the value
/// that they have where their axis does not exist; in the second every axis contributes a factor.
template <SearchSpace Space, int Pass = 0, std::size_t K = 0>
[[nodiscard]] constexpr std::uint64_t count_canonical(typename Space::stage_type& s) {
    if constexpr (K == axis_count<Space> && Pass == 0) {
        return count_canonical<Space, 1, 0>(s);
    } else if constexpr (K == axis_count<Space>) {
        return 1;
    } else {
        using Axis = axis_at<Space, K>;
        constexpr bool fixed_first = is_condition_field<Space, Axis::member>();
        const typename Space::stage_type initial{};
        if constexpr (Pass == 0 && fixed_first) {
            std::uint64_t sum = 0;
            for (const auto& value : Axis::choices) {
                s.*Axis::member = value;
                sum = saturating_add(sum, count_canonical<Space, 0, K + 1>(s));
            }
            if constexpr (!default_is_a_choice<Axis>) {
                s.*Axis::member = initial.*Axis::member;
                sum = saturating_add(sum, count_canonical<Space, 0, K + 1>(s));
            }
            return sum;
        } else if constexpr (Pass == 0) {
            return count_canonical<Space, 0, K + 1>(s);
        } else {
            const bool varies = Axis::active(s) && !is_inert<typename Space::blocks, Axis::member>(s);
            std::uint64_t factor = varies ? Axis::size : 1;
            if constexpr (fixed_first) {
                bool chosen = false;
                for (const auto& value : Axis::choices) chosen = chosen || s.*Axis::member == value;
                factor = varies            ? (chosen ? 1 : 0)
                         : Axis::active(s) ? (s.*Axis::member == Axis::choices[0] ? 1 : 0)
                                           : (s.*Axis::member == initial.*Axis::member ? 1 : 0);
            }
            return factor == 0 ? 0 : saturating_mul(factor, count_canonical<Space, 1, K + 1>(s));
        }
    }
}

/// Completions of a stage whose axes before K are chosen; the order of ranks.
template <SearchSpace Space, std::size_t K>
[[nodiscard]] constexpr std::uint64_t completions(const typename Space::stage_type& s) {
    if constexpr (K == axis_count<Space>) {
        return 1;
    } else {
        using Axis = axis_at<Space, K>;
        if (!Axis::active(s)) return completions<Space, K + 1>(s);
        if constexpr (is_condition_field<Space, Axis::member>()) {
            std::uint64_t sum = 0;
            auto next = s;
            for (const auto& value : Axis::choices) {
                next.*Axis::member = value;
                sum = saturating_add(sum, completions<Space, K + 1>(next));
            }
            return sum;
        } else {
            return saturating_mul(Axis::size, completions<Space, K + 1>(s));
        }
    }
}

template <SearchSpace Space, std::size_t K = 0>
constexpr void unrank_stage(std::uint64_t rank, typename Space::stage_type& s,
                            std::array<std::uint8_t, axis_count<Space>>& choice) {
    if constexpr (K < axis_count<Space>) {
        using Axis = axis_at<Space, K>;
        if (Axis::active(s)) {
            for (std::size_t c = 0; c < Axis::size; ++c) {
                s.*Axis::member = Axis::choices[c];
                choice[K] = static_cast<std::uint8_t>(c);
                const std::uint64_t below = completions<Space, K + 1>(s);
                if (rank < below) break;
                rank -= below;
            }
        }
        unrank_stage<Space, K + 1>(rank, s, choice);
    }
}

template <SearchSpace Space, std::size_t K = 0>
[[nodiscard]] constexpr std::uint64_t rank_stage(const std::array<std::uint8_t, axis_count<Space>>& choice,
                                                 typename Space::stage_type& s) {
    if constexpr (K == axis_count<Space>) {
        return 0;
    } else {
        using Axis = axis_at<Space, K>;
        std::uint64_t before = 0;
        if (Axis::active(s)) {
            for (std::size_t c = 0; c < choice[K]; ++c) {
                s.*Axis::member = Axis::choices[c];
                before += completions<Space, K + 1>(s);
            }
            s.*Axis::member = Axis::choices[choice[K]];
        }
        return before + rank_stage<Space, K + 1>(choice, s);
    }
}

[[nodiscard]] constexpr uint128 power(uint128 base, std::size_t exponent) {
    uint128 result = 1;
    for (std::size_t i = 0; i < exponent; ++i) result *= base;
    return result;
}

/// base^exponent < 2^128, without computing it.
[[nodiscard]] constexpr bool power_fits(std::uint64_t base, std::size_t exponent) {
    uint128 rest = ~uint128{0};
    for (std::size_t i = 0; i < exponent; ++i) rest /= base;
    return rest > 0;
}

}  // namespace detail

/// Configurations of one stage; `stage_cardinality<table1>` is the paper's 17,280.
template <SearchSpace Space>
inline constexpr std::uint64_t stage_cardinality = [] {
    static_assert(detail::conditions_read_backwards<Space>(),
                  "llmnas: the condition of an axis may read only members of axes before it in the tuple");
    constexpr std::uint64_t count = detail::completions<Space, 0>(typename Space::stage_type{});
    static_assert(count < ~std::uint64_t{0}, "llmnas: a stage has 2^64 configurations or more; use fewer choices");
    return count;
}();

/// Configurations of one stage that differ in more than fields without effect.
template <SearchSpace Space>
inline constexpr std::uint64_t canonical_stage_cardinality = [] {
    typename Space::stage_type s{};
    return detail::count_canonical<Space>(s);
}();

/// Points of the whole space.
template <SearchSpace Space>
inline constexpr uint128 cardinality = [] {
    static_assert(detail::power_fits(stage_cardinality<Space>, Space::stages),
                  "llmnas: the space has 2^128 points or more; use fewer stages or choices");
    return detail::power(stage_cardinality<Space>, Space::stages);
}();

template <SearchSpace Space>
inline constexpr uint128 canonical_cardinality = detail::power(canonical_stage_cardinality<Space>, Space::stages);

/// Index of a point, 0 .. cardinality - 1; the first stage is the most significant.
template <SearchSpace Space>
[[nodiscard]] constexpr uint128 rank(const space_point<Space>& p) {
    uint128 index = 0;
    for (std::size_t s = 0; s < Space::stages; ++s) {
        typename Space::stage_type st{};
        index = index * stage_cardinality<Space> + detail::rank_stage<Space>(p.choice[s], st);
    }
    return index;
}

/// The point with an index; inverse of rank(). Indices from cardinality on wrap around.
template <SearchSpace Space>
[[nodiscard]] constexpr space_point<Space> unrank(uint128 index) {
    space_point<Space> p;
    for (std::size_t s = Space::stages; s-- > 0;) {
        typename Space::stage_type st{};
        detail::unrank_stage<Space>(static_cast<std::uint64_t>(index % stage_cardinality<Space>), st, p.choice[s]);
        index /= stage_cardinality<Space>;
    }
    return p;
}

}  // namespace llmnas
