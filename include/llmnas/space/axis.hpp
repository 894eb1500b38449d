// SPDX-License-Identifier: MIT
/// \file
/// An axis of a search space: a name, a pointer to a member of the stage struct, and its choices.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <llmnas/core/condition.hpp>
#include <llmnas/core/fixed_string.hpp>

namespace llmnas {

namespace detail {

template <class M>
struct member_pointer;
template <class Class, class Value>
struct member_pointer<Value Class::*> {
    using class_type = Class;
    using value_type = Value;
};

}  // namespace detail

/// `axis<"kernel_size", &stage::kernel_size, 3, 5, 7>`. The name is the one in JSON.
template <fixed_string Name, auto Member, auto... Choices>
    requires(sizeof...(Choices) > 0 && sizeof...(Choices) < 256)
struct axis {
    using stage_type = typename detail::member_pointer<decltype(Member)>::class_type;
    using value_type = typename detail::member_pointer<decltype(Member)>::value_type;
    static constexpr std::string_view name = Name.view();
    static constexpr auto member = Member;
    static constexpr std::size_t size = sizeof...(Choices);
    static constexpr value_type choices[size] = {static_cast<value_type>(Choices)...};

    /// The axis with other choices.
    template <auto... Others>
    using with_choices = axis<Name, Member, Others...>;

    /// Whether there are stages for which the axis does not exist.
    static constexpr bool conditional = false;
    /// Whether the axis exists for this stage.
    [[nodiscard]] static constexpr bool active(const stage_type&) { return true; }
    /// Whether the condition of the axis reads a member.
    template <auto Other>
    static constexpr bool reads = false;
};

/// An axis that exists only where the conditions hold; they may read members of axes before it:
/// `axis_when<axis<"se_ratio", &stage::se_ratio, ratio{1, 4}, ratio{1, 2}>, is<&stage::use_se, true>>`.
template <class Axis, class... Conditions>
struct axis_when : Axis {
    template <auto... Others>
    using with_choices = axis_when<typename Axis::template with_choices<Others...>, Conditions...>;

    static constexpr bool conditional = true;
    [[nodiscard]] static constexpr bool active(const typename Axis::stage_type& s) {
        return (Conditions::holds(s) && ...);
    }
    template <auto Other>
    static constexpr bool reads = (same_member<Other, Conditions::member> || ...);
};

}  // namespace llmnas
