// SPDX-License-Identifier: MIT
/// \file
/// What a block type promises about the sizes of its operators, as types in an optional list
/// `static constexpr auto size_rules = boost::hana::tuple_t<...>`. Bounds over a whole search space (cost/bounds.hpp)
/// then look at the least and the greatest choice of an axis instead of at every one. A block type without rules is
/// bounded by visiting every choice, so rules never change a result, only its price. Rules are promises, not checks:
/// `bounds<my_space, layerwise, rule_use::none>()` gives the bounds without them, to compare.
///
/// "Larger" means here: every operator of the smaller block is also in the larger one, in the same order, with no
/// smaller maps, channels or kernels; the larger one may have more operators. Rules speak of legal stages only, and of
/// equal inputs.
#pragma once

namespace llmnas {

/// Holds where the member is an odd number: half padding then keeps the size of a map.
template <auto Member>
struct odd {
    static constexpr auto member = Member;
    template <class Stage>
    [[nodiscard]] static constexpr bool holds(const Stage& s) {
        return s.*Member % 2 != 0;
    }
};

/// The member changes neither shapes nor connections: an activation.
template <auto Member>
struct same_size {
    static constexpr auto member = Member;
};

/// A greater value of the member makes the stage larger and keeps the shape of its output, where all conditions hold
/// for every value that the space gives to the members that they read.
template <auto Member, class... Conditions>
struct rises {
    static constexpr auto member = Member;
};

/// A greater value of the member makes the stage smaller, and its output no higher and no wider (a stride), under the
/// conditions.
template <auto Member, class... Conditions>
struct falls {
    static constexpr auto member = Member;
};

/// The blocks of a stage from the second on, if their input and output have one shape, are equal.
struct blocks_repeat {};

/// On a higher or wider input with the same channels the block is larger and its output no lower and no narrower, and
/// whether the block is legal does not depend on height and width.
struct grows_with_map {};

}  // namespace llmnas
