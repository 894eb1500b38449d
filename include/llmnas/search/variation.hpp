// SPDX-License-Identifier: MIT
/// \file
/// How proposers change points of a space: one field, or fields of two parents.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <llmnas/core/random.hpp>
#include <llmnas/space/canonical.hpp>

namespace llmnas {

/// A field of a point: an axis of a stage.
struct gene {
    std::size_t stage = 0;
    std::size_t axis = 0;
};

/// The fields that have an effect at a point, and other choices.
template <SearchSpace Space>
[[nodiscard]] std::vector<gene> effective_genes(const space_point<Space>& p) {
    std::vector<gene> genes;
    for (std::size_t s = 0; s < Space::stages; ++s) {
        const auto effective = effective_axes(p, s);
        for (std::size_t k = 0; k < effective.size(); ++k)
            if (effective[k] && axis_sizes<Space>[k] > 1) genes.push_back({s, k});
    }
    return genes;
}

/// Changes one field that has an effect to another choice.
template <SearchSpace Space>
void mutate(space_point<Space>& p, splitmix64& rng) {
    const auto genes = effective_genes(p);
    if (genes.empty()) return;
    const gene g = genes[rng.below(genes.size())];
    auto& choice = p.choice[g.stage][g.axis];
    const auto step = 1 + rng.below(axis_sizes<Space>[g.axis] - 1);
    choice = static_cast<std::uint8_t>((choice + step) % axis_sizes<Space>[g.axis]);
}

/// Which fields of a point hold a choice that means something.
template <SearchSpace Space>
using gene_flags = std::array<std::array<bool, axis_count<Space>>, Space::stages>;

template <SearchSpace Space>
[[nodiscard]] gene_flags<Space> effective_flags(const space_point<Space>& p) {
    gene_flags<Space> flags;
    for (std::size_t s = 0; s < Space::stages; ++s) flags[s] = effective_axes(p, s);
    return flags;
}

/// Draws a choice for every field that has an effect by now and whose choice means nothing: in a canonical form it
/// would always be the first.
template <SearchSpace Space>
void draw_unknown(space_point<Space>& p, gene_flags<Space> known, splitmix64& rng) {
    for (std::size_t s = 0; s < Space::stages; ++s)
        for (std::size_t k = 0; k < axis_count<Space>;) {
            if (known[s][k] || !effective_axes(p, s)[k]) {
                ++k;
                continue;
            }
            p.choice[s][k] = static_cast<std::uint8_t>(rng.below(axis_sizes<Space>[k]));
            known[s][k] = true;
            k = 0;  // this choice may give an effect to an earlier field
        }
}

/// Every field from one of two canonical parents, each with the same probability; canonical again.
template <SearchSpace Space>
[[nodiscard]] space_point<Space> uniform_crossover(const space_point<Space>& a, const space_point<Space>& b,
                                                   splitmix64& rng) {
    const auto known_a = effective_flags(a), known_b = effective_flags(b);
    space_point<Space> child = a;
    auto known = known_a;
    for (std::size_t s = 0; s < Space::stages; ++s)
        for (std::size_t k = 0; k < axis_count<Space>; ++k) {
            // Where the field has an effect in one parent alone, that one's choice is the only one that means anything.
            if (known_b[s][k] && (!known_a[s][k] || rng.below(2) == 1)) child.choice[s][k] = b.choice[s][k];
            known[s][k] = known_a[s][k] || known_b[s][k];
        }
    draw_unknown(child, known, rng);
    return canonical(child);
}

/// A canonical point with one effective field changed; fields that have an effect only then are drawn.
template <SearchSpace Space>
[[nodiscard]] space_point<Space> mutant(const space_point<Space>& parent, splitmix64& rng) {
    space_point<Space> child = parent;
    mutate(child, rng);
    draw_unknown(child, effective_flags(parent), rng);
    return canonical(child);
}

}  // namespace llmnas
