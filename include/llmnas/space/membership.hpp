// SPDX-License-Identifier: MIT
/// \file
/// Is a network a point of a space, and if not, which field of which stage says so?
#pragma once

#include <cstddef>
#include <cstdint>

#include <llmnas/space/canonical.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// First field of a network that lies outside a space.
struct space_violation {
    enum class kind : std::uint8_t {
        none,
        choice,       ///< the value is not among the choices of the axis
        fixed_field,  ///< a field without an axis differs from the value that the space gives it
    };
    kind what = kind::none;
    std::size_t stage = 0;  ///< from 0
    std::size_t axis = 0;   ///< position in Space::axes; of kind::choice only
    [[nodiscard]] constexpr explicit operator bool() const { return what != kind::none; }
};

/// The point of a network, or what is outside.
template <SearchSpace Space>
struct encoded {
    space_point<Space> point;
    space_violation violation;
};

/// Inverse of decode(). Fields that are without effect may have any value.
template <SearchSpace Space>
[[nodiscard]] constexpr encoded<Space> encode(const network_of<Space>& net) {
    using blocks = typename Space::blocks;
    encoded<Space> result;
    for (std::size_t s = 0; s < Space::stages && !result.violation; ++s) {
        const auto& st = net.stages[s];
        std::size_t k = 0;
        detail::for_each_axis<Space>([&](auto a) {
            using Axis = decltype(a);
            const std::size_t axis = k++;
            if (result.violation || !Axis::active(st)) return;
            for (std::size_t c = 0; c < Axis::size; ++c) {
                if (!(st.*Axis::member == Axis::choices[c])) continue;
                result.point.choice[s][axis] = static_cast<std::uint8_t>(c);
                return;
            }
            if (!detail::is_inert<blocks, Axis::member>(st))
                result.violation = {space_violation::kind::choice, s, axis};
        });
        if (!result.violation && !(detail::canonical_stage<blocks>(detail::decode_stage<Space>(
                                       result.point.choice[s])) == detail::canonical_stage<blocks>(st)))
            result.violation = {space_violation::kind::fixed_field, s, 0};
    }
    return result;
}

/// Whether a network is a point of the space.
template <SearchSpace Space>
[[nodiscard]] constexpr bool contains(const network_of<Space>& net) {
    return !encode<Space>(net).violation;
}

}  // namespace llmnas
