// SPDX-License-Identifier: MIT
/// \file
/// Fields without effect, and the canonical form of a point: two points with the same canonical form are the same
/// network. (More points can be the same network by position; proposals are compared by their lowered operators.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/space/search_space.hpp>

namespace llmnas {

namespace detail {

template <class Stage>
[[nodiscard]] constexpr block_type block_type_of(const Stage& s) {
    if constexpr (requires { s.conv_type; })
        return s.conv_type;
    else
        return {};
}

/// Calls f(rule) for each inert rule of one block type; block types without such a list have none.
template <class Block, class F>
constexpr void for_each_rule(F&& f) {
    if constexpr (requires { Block::inert_fields; })
        boost::hana::unpack(Block::inert_fields,
                            [&](auto... rules) { (static_cast<void>(f(typename decltype(rules)::type{})), ...); });
}

/// Calls f(rule) for each inert rule of the block type that the stage names.
template <BlockTypeList Blocks, class Stage, class F>
constexpr void for_each_rule_of(const Stage& s, F&& f) {
    boost::hana::unpack(Blocks::types, [&](auto... blocks) {
        std::size_t i = 0;
        ((block_type_of(s).index == i++ ? for_each_rule<typename decltype(blocks)::type>(f) : void()), ...);
    });
}

/// Whether a member is without effect in a stage.
template <BlockTypeList Blocks, auto Member, class Stage>
[[nodiscard]] constexpr bool is_inert(const Stage& s) {
    bool result = false;
    for_each_rule_of<Blocks>(s, [&](auto rule) {
        if constexpr (same_member<Member, decltype(rule)::member>) result = result || rule.holds(s);
    });
    return result;
}

/// The stage with every field that is without effect set to its default, whether the space has an axis for it or not.
template <BlockTypeList Blocks, class Stage>
[[nodiscard]] constexpr Stage canonical_stage(const Stage& s) {
    Stage result = s;
    for_each_rule_of<Blocks>(s, [&](auto rule) {
        // A block type serves several stage structs; rules about another struct's fields say nothing here.
        if constexpr (requires { result.*decltype(rule)::member; })
            if (rule.holds(s)) result.*decltype(rule)::member = Stage{}.*decltype(rule)::member;
    });
    return result;
}

}  // namespace detail

/// Whether axis k of stage s exists at this point and its choice changes the network.
template <SearchSpace Space>
[[nodiscard]] constexpr std::array<bool, axis_count<Space>> effective_axes(const space_point<Space>& p, std::size_t s) {
    std::array<bool, axis_count<Space>> result{};
    const auto st = detail::decode_stage<Space>(p.choice[s]);
    std::size_t k = 0;
    detail::for_each_axis<Space>([&](auto a) {
        using Axis = decltype(a);
        result[k++] = Axis::active(st) && !detail::is_inert<typename Space::blocks, Axis::member>(st);
    });
    return result;
}

/// The point with the first choice on every axis that does not exist there or is without effect.
template <SearchSpace Space>
[[nodiscard]] constexpr space_point<Space> canonical(space_point<Space> p) {
    for (std::size_t s = 0; s < Space::stages; ++s) {
        const auto effective = effective_axes(p, s);
        for (std::size_t k = 0; k < axis_count<Space>; ++k)
            if (!effective[k]) p.choice[s][k] = 0;
    }
    return p;
}

}  // namespace llmnas
