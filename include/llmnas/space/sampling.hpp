// SPDX-License-Identifier: MIT
/// \file
/// Uniform random points of a space.
#pragma once

#include <cstddef>

#include <llmnas/core/random.hpp>
#include <llmnas/space/cardinality.hpp>

namespace llmnas {

/// Every point with the same probability: stages are independent, and each is drawn by its index.
template <SearchSpace Space>
[[nodiscard]] constexpr space_point<Space> sample(splitmix64& rng) {
    space_point<Space> p;
    for (std::size_t s = 0; s < Space::stages; ++s) {
        typename Space::stage_type st{};
        detail::unrank_stage<Space>(rng.below(stage_cardinality<Space>), st, p.choice[s]);
    }
    return p;
}

}  // namespace llmnas
