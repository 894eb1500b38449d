// SPDX-License-Identifier: MIT
/// \file
/// What a memory model may promise about networks made of stages. A model without promises has no bounds over a space.
#pragma once

#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// The peak of a network is the largest peak of its stages and its head, each lowered alone.
template <class M>
concept MaxOfStages = MemoryModel<M> && requires {
    requires M::max_of_stages;
};

/// The same holds of `activations()` and of `overhead` of the peak, each for itself; of their sum only within bounds.
template <class M>
concept PartsMaxOfStages = MemoryModel<M> && !MaxOfStages<M> && requires {
    requires M::parts_max_of_stages;
};

/// That maximum is at least an upper bound: a plan may keep whole maps between stages.
template <class M>
concept StagesBoundAbove = MaxOfStages<M> || PartsMaxOfStages<M> ||
    (MemoryModel<M>&& requires { requires M::stages_bound_above; });

/// A larger stage (core/size_rules.hpp) never has a smaller peak.
template <class M>
concept RisesWithOperators = MemoryModel<M> && requires {
    requires M::rises_with_operators;
};

/// The peak is never below that of another model: `using never_below = layerwise;`.
template <class M>
concept NeverBelow = MemoryModel<M> && MemoryModel<typename M::never_below>;

}  // namespace llmnas
