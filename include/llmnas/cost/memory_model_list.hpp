// SPDX-License-Identifier: MIT
/// \file
/// The built-in memory models as a Hana list, and one of them chosen at run time.
#pragma once

#include <string_view>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <llmnas/cost/memory/layerwise.hpp>
#include <llmnas/cost/memory_model.hpp>

namespace llmnas {

inline constexpr auto memory_models = boost::hana::tuple_t<layerwise>;

/// A built-in model behind a function pointer, for programs that take its name from a user.
struct any_memory_model {
    std::string_view name = layerwise::name;
    memory_peak (*of)(const graph_view&) = [](const graph_view& g) { return layerwise{}.peak(g); };

    [[nodiscard]] constexpr memory_peak peak(const graph_view& g) const { return of(g); }
};
static_assert(MemoryModel<any_memory_model>);

/// Calls f(any_memory_model) for each built-in model.
template <class F>
constexpr void for_each_memory_model(F&& f) {
    boost::hana::unpack(memory_models, [&](auto... models) {
        (f(any_memory_model{decltype(models)::type::name,
                            [](const graph_view& g) { return typename decltype(models)::type{}.peak(g); }}),
         ...);
    });
}

}  // namespace llmnas
