// SPDX-License-Identifier: MIT
/// \file
/// A memory model by reference, whatever its type.
#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

/// A memory model that outlives the reference, itself a memory model: for what is compiled once for all models.
class memory_model_ref {
public:
    template <MemoryModel M>
        requires(!std::same_as<M, memory_model_ref>)
    constexpr memory_model_ref(const M& model) noexcept  // implicit, as std::function_ref
        : name(model.name),
          model_(&model),
          peak_([](const void* m, const graph_view& g) { return static_cast<const M*>(m)->peak(g); }),
          covers_([](const void* m, const graph_view& g) { return coverage_of(*static_cast<const M*>(m), g); }),
          usage_([](const void* m, const graph_view& g, std::span<bytes> by_operator) {
              const M& self = *static_cast<const M*>(m);
              constexpr bool says = requires { self.usage(g, by_operator); };
              if constexpr (says) self.usage(g, by_operator);
              return says;
          }) {}

    std::string_view name;

    [[nodiscard]] constexpr memory_peak peak(const graph_view& g) const { return peak_(model_, g); }
    [[nodiscard]] constexpr coverage covers(const graph_view& g) const { return covers_(model_, g); }
    /// Bytes while each operator runs; false where the model does not say (memory_layout.hpp).
    [[nodiscard]] constexpr bool usage(const graph_view& g, std::span<bytes> by_operator) const {
        return usage_(model_, g, by_operator);
    }

private:
    const void* model_;
    memory_peak (*peak_)(const void*, const graph_view&);
    coverage (*covers_)(const void*, const graph_view&);
    bool (*usage_)(const void*, const graph_view&, std::span<bytes>);
};
static_assert(MemoryModel<memory_model_ref>);

/// The default of a search.
inline constexpr layerwise default_memory_model{};

}  // namespace llmnas
