// SPDX-License-Identifier: MIT
/// \file
/// The configurations of one stage in groups: a group fixes every axis whose choices must all be visited, and the axes
/// with a known direction vary inside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <llmnas/space/axis_roles.hpp>

namespace llmnas {

/// Which size rules are used: none (every configuration is a group of its own), those of fields without effect, or all.
enum class rule_use : std::uint8_t { none, without_effect, all };

/// One choice of one axis that a stage must have, and whose block type must not ignore the axis.
struct pinned_choice {
    static constexpr std::size_t nowhere = ~std::size_t{0};
    std::size_t axis = nowhere;
    std::uint8_t choice = 0;
};

/// A configuration of one stage.
template <SearchSpace Space>
struct stage_configuration {
    typename Space::stage_type stage{};
    std::array<std::uint8_t, axis_count<Space>> choice{};
    bool valid = true;  ///< false for a repetition: another choice than the first of an axis that does not exist
};

namespace detail {

template <SearchSpace Space, rule_use Rules>
inline constexpr auto roles_in_use = [] {
    auto roles = axis_roles<Space>;
    for (auto& r : roles)
        if (Rules == rule_use::none || (Rules == rule_use::without_effect && r != axis_role::any)) r = axis_role::every;
    return roles;
}();

/// Product of the sizes of the axes whose role is one of these.
template <SearchSpace Space, rule_use Rules, axis_role... Roles>
inline constexpr std::uint64_t choices_of_roles = [] {
    std::uint64_t n = 1;
    for (std::size_t k = 0; k < axis_count<Space>; ++k)
        if (((roles_in_use<Space, Rules>[k] == Roles) || ...)) n = saturating_mul(n, axis_sizes<Space>[k]);
    return n;
}();

}  // namespace detail

template <SearchSpace Space, rule_use Rules>
struct stage_groups {
    static constexpr auto roles = detail::roles_in_use<Space, Rules>;
    /// Number of groups.
    static constexpr std::uint64_t count = detail::choices_of_roles<Space, Rules, axis_role::every>;
    /// Configurations that differ in axes with a direction.
    static constexpr std::uint64_t members =
        detail::choices_of_roles<Space, Rules, axis_role::rising, axis_role::falling>;
    /// Bound on the number of output shapes of one group.
    static constexpr std::uint64_t shapes = detail::choices_of_roles<Space, Rules, axis_role::falling>;

    /// The smallest or the largest member of a group. A pinned choice stands in place of the end of its axis.
    [[nodiscard]] static constexpr stage_configuration<Space> corner(std::uint64_t group, extreme e,
                                                                     pinned_choice pin = {}) {
        return configuration(group, pin, [e](auto axis, axis_role role) {
            const bool least = (e == extreme::least) == (role == axis_role::rising);
            return detail::end_of_axis<decltype(axis)>(least ? extreme::least : extreme::greatest);
        });
    }

    /// Member number m of a group.
    [[nodiscard]] static constexpr stage_configuration<Space> member(std::uint64_t group, std::uint64_t m,
                                                                     pinned_choice pin = {}) {
        return configuration(group, pin, [&m](auto axis, axis_role) {
            const auto digit = static_cast<std::uint8_t>(m % decltype(axis)::size);
            m /= decltype(axis)::size;
            return digit;
        });
    }

    /// Configurations that equal this one but for axes without effect.
    [[nodiscard]] static constexpr std::uint64_t weight(const typename Space::stage_type& s) {
        std::uint64_t n = 1;
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto axis) {
            if (roles[k++] == axis_role::any && decltype(axis)::active(s)) n *= decltype(axis)::size;
        });
        return n;
    }

private:
    /// Axes that are visited take the digits of the group's number, axes without effect their first choice.
    template <class Pick>
    [[nodiscard]] static constexpr stage_configuration<Space> configuration(std::uint64_t group, pinned_choice pin,
                                                                            Pick pick) {
        stage_configuration<Space> c;
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto axis) {
            using Axis = decltype(axis);
            const axis_role role = roles[k];
            std::uint8_t choice = 0;
            if (role == axis_role::every) {
                choice = static_cast<std::uint8_t>(group % Axis::size);
                group /= Axis::size;
                if (pin.axis == k && choice != pin.choice) c.valid = false;
            } else {
                if (role != axis_role::any) choice = pick(axis, role);
                if (pin.axis == k) choice = pin.choice;
            }
            if (Axis::active(c.stage)) {
                c.stage.*Axis::member = Axis::choices[choice];
                c.choice[k] = choice;
            } else if (role == axis_role::every && choice != 0) {
                c.valid = false;
            }
            ++k;
        });
        if (pin.axis != pinned_choice::nowhere && ignored(c.stage, pin.axis)) c.valid = false;
        return c;
    }

    /// Whether the stage's block type never looks at the member of an axis.
    [[nodiscard]] static constexpr bool ignored(const typename Space::stage_type& s, std::size_t axis_number) {
        bool result = false;
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto axis) {
            if (k++ == axis_number)
                detail::for_each_rule_of<typename Space::blocks>(s, [&](auto rule) {
                    result = result || std::is_same_v<decltype(rule), inert<decltype(axis)::member>>;
                });
        });
        return result;
    }
};

}  // namespace llmnas
