// SPDX-License-Identifier: MIT
/// \file
/// The part of a search space that can keep limits: choices that no feasible network uses are left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <llmnas/cost/bounds.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/space/subset.hpp>

namespace llmnas {

namespace detail {

/// The model whose exact bounds are lower bounds of a model: itself, one that it is never below, or none.
template <class Memory>
struct lower_model {
    using type = no_memory;
};
template <NeverBelow Memory>
    requires(!MaxOfStages<Memory> && !PartsMaxOfStages<Memory>)
struct lower_model<Memory> : lower_model<typename Memory::never_below> {};
template <class Memory>
    requires(MaxOfStages<Memory> || PartsMaxOfStages<Memory>)
struct lower_model<Memory> {
    using type = Memory;
};

/// The searches behind a restriction: for the least costs (with the peak where the model has a lower bound), and for
/// the most MACs.
template <SearchSpace Space, class Memory>
struct restriction_searches {
    using lower = typename lower_model<Memory>::type;
    static constexpr bool full = MemoryModel<lower> && !RisesWithOperators<lower>;
    using least = bound_search<Space, full ? rule_use::without_effect : rule_use::all, lower, extreme::least>;
    using greatest = bound_search<Space, rule_use::all, no_memory, extreme::greatest>;
};

/// Which of the limits the costs at one end keep; the costs at the other end do not matter.
template <class Search>
[[nodiscard]] constexpr std::array<bool, criteria> kept_limits(const cost_limits& limits, const cost_vector& cost) {
    const auto& [mac_count, parameters, flash, sram, overhead] = cost;
    static_cast<void>(parameters);
    if (Search::end == extreme::greatest) return {mac_count >= limits.min_macs.value, true, true, true, true};
    const bool fits = saturating_add(sram, overhead) <= limits.sram.value;
    return {mac_count <= limits.max_macs.value, true, flash <= limits.flash.value, fits, fits};
}

template <class Search>
[[nodiscard]] constexpr bool keeps_limits(const cost_limits& limits, const search_result<typename Search::space>& r) {
    bool ok = r.any_legal;
    for (const bool kept : kept_limits<Search>(limits, r.best)) ok = ok && kept;
    return ok;
}

/// A cheap sufficient condition that a choice stays: the extreme networks with the choice in their last stage.
template <class Search>
[[nodiscard]] constexpr bool stays_in_witness(typename Search::evaluator& eval, const cost_limits& limits,
                                              const search_result<typename Search::space>& free, pinned_choice pin,
                                              const shape& input, std::int32_t classes) {
    using Space = typename Search::space;
    constexpr std::uint64_t tried_groups = 16;
    std::array<bool, criteria> shown{};
    for (std::size_t c = 0; c < criteria; ++c) {
        if (c > 0 && free.witness[c] == free.witness[c - 1]) continue;
        part_costs before{true, input, {}};
        for (std::size_t s = 0; s + 1 < Space::stages; ++s)
            before = joined(before, eval.stage(decode_stage<Space>(free.witness[c].choice[s]), before.out));
        for (std::uint64_t g = 0; g < Search::groups::count && g < tried_groups; ++g) {
            const auto last = Search::groups::corner(g, Search::end, pin);
            if (!last.valid) continue;
            part_costs total = joined(before, eval.stage(last.stage, before.out));
            if (total.legal) total = joined(total, eval.head(total.out, classes));
            if (!total.legal) continue;
            const auto kept = kept_limits<Search>(limits, total.cost);
            bool all_shown = true;
            for (std::size_t i = 0; i < criteria; ++i) all_shown = (shown[i] = shown[i] || kept[i]) && all_shown;
            if (all_shown) return true;
        }
    }
    return false;
}

/// Keeps the first choice of an axis that no network uses: its value does not matter, but an axis needs one.
template <SearchSpace Space>
constexpr void fill_unused_axes(choice_mask<Space>& mask) {
    for (std::size_t k = 0; k < axis_count<Space>; ++k)
        if (mask.count(k) == 0) mask.keep[k][0] = true;
}

}  // namespace detail

/// Choices that some network within the limits may use, at run time. A choice is left out where the least peak SRAM,
/// flash or MACs over all networks that use it in some stage exceeds the limit, or the most MACs stay below it: no
/// network within the limits is lost, but some outside remain. A network "uses" a choice where the field has an effect.
/// Of a model without lower bound over a space, SRAM leaves out nothing.
template <SearchSpace Space, MemoryModel Memory = layerwise>
[[nodiscard]] constexpr choice_mask<Space> feasible_choices(const cost_limits& limits,
                                                            const shape& input = network_of<Space>{}.input,
                                                            std::int32_t classes = network_of<Space>{}.classes) {
    using searches = detail::restriction_searches<Space, Memory>;
    choice_mask<Space> mask;
    const auto search = [&]<class Search>(Search*) {
        detail::space_searcher<Search> searcher(input, classes, {});
        typename Search::evaluator eval;
        const auto free = searcher.all();
        for (std::size_t k = 0; k < axis_count<Space>; ++k)
            for (std::size_t c = 0; c < axis_sizes<Space>[k]; ++c) {
                const pinned_choice pin{k, static_cast<std::uint8_t>(c)};
                if (Search::end == extreme::greatest && !mask.keep[k][c]) continue;
                mask.keep[k][c] = detail::stays_in_witness<Search>(eval, limits, free, pin, input, classes) ||
                                  detail::keeps_limits<Search>(limits, searcher.with(pin));
            }
    };
    search(static_cast<typename searches::least*>(nullptr));
    if (limits.min_macs.value > 0) search(static_cast<typename searches::greatest*>(nullptr));
    detail::fill_unused_axes(mask);
    return mask;
}

namespace detail {

template <class Search, shape Input, std::int32_t Classes, cost_limits Limits, pinned_choice Pin>
inline constexpr bool choice_stays_in_witness = [] {
    typename Search::evaluator eval;
    return stays_in_witness<Search>(eval, Limits, searched<Search, Input, Classes>, Pin, Input, Classes);
}();

template <class Search, shape Input, std::int32_t Classes, cost_limits Limits, pinned_choice Pin>
[[nodiscard]] consteval bool choice_stays() {
    if constexpr (choice_stays_in_witness<Search, Input, Classes, Limits, Pin>)
        return true;
    else
        return keeps_limits<Search>(Limits, searched_with<Search, Input, Classes, Pin>);
}

template <bool Feasible>
constexpr bool some_network_keeps_limits() {
    static_assert(Feasible,
                  "llmnas: no network of the space keeps these limits (docs/bounds.md: bounds_of says by how "
                  "much each of them is missed)");
    return Feasible;
}

template <SearchSpace Space, cost_limits Limits, MemoryModel Memory, shape Input, std::int32_t Classes>
[[nodiscard]] consteval choice_mask<Space> feasible_choices_now() {
    using searches = restriction_searches<Space, Memory>;
    using least = typename searches::least;
    using greatest = typename searches::greatest;
    constexpr bool ranged = Limits.min_macs.value > 0;
    static_assert(some_network_keeps_limits<keeps_limits<least>(Limits, searched<least, Input, Classes>)>());
    choice_mask<Space> mask;
    const auto axis_choices = [&]<std::size_t K, std::size_t... C>(std::index_sequence<K>, std::index_sequence<C...>) {
        ((mask.keep[K][C] = choice_stays<least, Input, Classes, Limits, pinned_choice{K, C}>()), ...);
        if constexpr (ranged)
            ((mask.keep[K][C] =
                  mask.keep[K][C] && choice_stays<greatest, Input, Classes, Limits, pinned_choice{K, C}>()),
             ...);
    };
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        (axis_choices(std::index_sequence<K>{}, std::make_index_sequence<axis_at<Space, K>::size>{}), ...);
    }
    (std::make_index_sequence<axis_count<Space>>{});
    fill_unused_axes(mask);
    return mask;
}

}  // namespace detail

/// feasible_choices() at compile time. A space without any network within the limits is an error.
template <SearchSpace Space, cost_limits Limits, MemoryModel Memory = layerwise,
          shape Input = network_of<Space>{}.input, std::int32_t Classes = network_of<Space>{}.classes>
inline constexpr choice_mask<Space> feasible_choices_of =
    detail::feasible_choices_now<Space, Limits, Memory, Input, Classes>();

/// The space without the choices that no network within the limits uses: `restricted<table1_se, my_limits>` is a space
/// like any other, for sampling, counting, JSON Schemas and prompts. Every network of the space within the limits lies
/// in it.
template <SearchSpace Space, cost_limits Limits, MemoryModel Memory = layerwise,
          shape Input = network_of<Space>{}.input, std::int32_t Classes = network_of<Space>{}.classes>
using restricted = space_subset<Space, feasible_choices_of<Space, Limits, Memory, Input, Classes>>;

}  // namespace llmnas
