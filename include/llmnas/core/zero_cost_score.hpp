// SPDX-License-Identifier: MIT
/// \file
/// Scores of networks that are not trained.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/result.hpp>

namespace llmnas {

/// A guess at how accurate a network will be, from its initial weights: more is better. The seed is of the weights.
template <class S>
concept ZeroCostScore = requires(const S& score, const graph_view& net, std::uint64_t seed) {
    { score.name() } -> std::convertible_to<std::string_view>;
    { score(net, seed) } -> std::same_as<result<double>>;
};

}  // namespace llmnas
