// SPDX-License-Identifier: MIT
/// \file
/// Conditions on fields of a stage, as types: which axis exists when (space/axis.hpp), which field is without effect
/// when (block types). Types rather than predicates, so that the fields a condition reads are known and counting a
/// space needs no enumeration.
#pragma once

namespace llmnas {

/// Holds where the member of the stage has the value.
template <auto Member, auto Value>
struct is {
    static constexpr auto member = Member;
    template <class Stage>
    [[nodiscard]] static constexpr bool holds(const Stage& s) {
        return s.*Member == Value;
    }
};

/// True where two member pointers are the same member; pointers to members of different types are never equal.
template <auto A, auto B>
inline constexpr bool same_member = false;
template <auto A>
inline constexpr bool same_member<A, A> = true;

/// The member is without effect where all conditions hold.
template <auto Member, class... Conditions>
struct inert {
    static constexpr auto member = Member;

    template <class Stage>
    [[nodiscard]] static constexpr bool holds(const Stage& s) {
        return (Conditions::holds(s) && ...);
    }
    /// Whether one of the conditions reads this member.
    template <auto Other>
    static constexpr bool reads = (same_member<Other, Conditions::member> || ...);
};

}  // namespace llmnas
