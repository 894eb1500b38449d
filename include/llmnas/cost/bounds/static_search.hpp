// SPDX-License-Identifier: MIT
/// \file
/// The search of search.hpp at compile time, in many constant expressions that stay within the limits of compilers: one
/// for so many groups of configurations on one input shape, and one for each stage.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <llmnas/cost/bounds/search.hpp>

namespace llmnas::detail {

/// Configurations are looked at in constant expressions of so many groups, which stay within the limits of compilers.
inline constexpr std::uint64_t groups_per_chunk = 16;

template <class Search, shape In, std::uint64_t Chunk>
inline constexpr auto chunk_of_steps = [] {
    using Space = typename Search::space;
    struct chunk : frozen_list<transition<Space>, groups_per_chunk * Search::groups::shapes> {
        bool blocks_depend = false;
    };
    list<transition<Space>> steps;
    typename Search::evaluator eval;
    for (std::uint64_t g = Chunk * groups_per_chunk; g < (Chunk + 1) * groups_per_chunk; ++g)
        if (g < Search::groups::count) Search::add_group(steps, eval, In, g);
    chunk result{frozen_list<transition<Space>, groups_per_chunk * Search::groups::shapes>(steps)};
    result.blocks_depend = eval.blocks_depend();
    return result;
}();

/// Chunks of configurations for one input shape.
template <class Search>
inline constexpr std::size_t chunk_count = static_cast<std::size_t>((Search::groups::count + groups_per_chunk - 1) /
                                                                    groups_per_chunk);

/// Counts the nodes of `Before` and the chunks of each.
template <class Search, class Before>
using each_step = std::make_index_sequence<Before::nodes.count * chunk_count<Search>>;

/// Nodes behind one more stage than those of `Before`.
template <class Search, class Before, std::size_t... I>
[[nodiscard]] constexpr list<node<typename Search::space>> nodes_after(std::index_sequence<I...>) {
    constexpr std::size_t chunks = chunk_count<Search>;
    list<node<typename Search::space>> to;
    (Search::advance(to, static_cast<std::uint32_t>(I / chunks), Before::nodes.items[I / chunks],
                     chunk_of_steps<Search, Before::nodes.items[I / chunks].out, I % chunks>.span()),
     ...);
    return to;
}

template <class Search, class Before, std::size_t... I>
[[nodiscard]] constexpr bool any_depends(std::index_sequence<I...>) {
    constexpr std::size_t chunks = chunk_count<Search>;
    return (chunk_of_steps<Search, Before::nodes.items[I / chunks].out, I % chunks>.blocks_depend || ...);
}

/// The search at compile time, one constant expression for each stage and input shape. Nodes behind S stages.
template <class Search, shape Input, std::size_t S>
struct nodes_behind {
    using before = nodes_behind<Search, Input, S - 1>;
    static constexpr std::size_t size = nodes_after<Search, before>(each_step<Search, before>{}).size();
    static constexpr frozen_list<node<typename Search::space>, size> nodes{
        nodes_after<Search, before>(each_step<Search, before>{})};
    static constexpr bool blocks_depend =
        before::blocks_depend || any_depends<Search, before>(each_step<Search, before>{});
};
template <class Search, shape Input>
struct nodes_behind<Search, Input, 0> {
    static constexpr frozen_list<node<typename Search::space>, 1> nodes = [] {
        list<node<typename Search::space>> first;
        first.push_back({}).out = Input;
        return frozen_list<node<typename Search::space>, 1>(first);
    }();
    static constexpr bool blocks_depend = false;
};

template <class Search, shape Input, std::int32_t Classes>
inline constexpr search_result<typename Search::space> searched = [] {
    using Space = typename Search::space;
    static_assert(Search::groups::count <= 1024,
                  "llmnas: a stage has too many configurations to bound the space at compile time: give the block "
                  "types `size_rules` (docs/bounds.md), or call bounds<Space>() at run time");
    typename Search::evaluator eval;
    std::array<std::span<const node<Space>>, Space::stages + 1> nodes;
    [&]<std::size_t... S>(std::index_sequence<S...>) {
        ((nodes[S] = nodes_behind<Search, Input, S>::nodes.span()), ...);
    }
    (std::make_index_sequence<Space::stages + 1>{});
    auto result = finish<Search>(eval, Classes, [&](std::size_t s) { return nodes[s]; });
    result.blocks_depend = result.blocks_depend || nodes_behind<Search, Input, Space::stages>::blocks_depend;
    return result;
}();

/// Groups of configurations that have a choice, on one input shape.
template <class Search, shape In, std::uint64_t Chunk, pinned_choice Pin>
inline constexpr auto chunk_with = [] {
    list<value_step> steps;
    typename Search::evaluator eval;
    for (std::uint64_t g = Chunk * groups_per_chunk; g < (Chunk + 1) * groups_per_chunk; ++g)
        if (g < Search::groups::count) Search::add_group(steps, eval, In, g, Pin);
    return frozen_list<value_step, groups_per_chunk * Search::groups::shapes>(steps);
}();

template <class Search, class Free, pinned_choice Pin, std::size_t... I>
constexpr void begin_with(list<value_step>& to, std::index_sequence<I...>) {
    constexpr std::size_t chunks = chunk_count<Search>;
    (Search::advance(to, 0, Free::nodes.items[I / chunks],
                     chunk_with<Search, Free::nodes.items[I / chunks].out, I % chunks, Pin>.span()),
     ...);
}

/// The tables that the search over the whole space made, several chunks of one shape behind each other.
template <class Search>
struct known_table {
    shape in{};
    std::span<const transition<typename Search::space>> steps{};
};
template <class Search, class Before, std::size_t... I>
constexpr void add_tables(list<known_table<Search>>& to, std::index_sequence<I...>) {
    constexpr std::size_t chunks = chunk_count<Search>;
    (to.push_back({Before::nodes.items[I / chunks].out,
                   chunk_of_steps<Search, Before::nodes.items[I / chunks].out, I % chunks>.span()}),
     ...);
}

/// Extremes over the networks that have a choice in some stage; without witness.
template <class Search, shape Input, std::int32_t Classes, pinned_choice Pin>
inline constexpr search_result<typename Search::space> searched_with = [] {
    using Space = typename Search::space;
    typename Search::evaluator eval;
    list<value_step> chosen;
    list<known_table<Search>> tables;
    const auto further = [&]<class Free>(Free*) {
        list<value_step> next;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            bool known = false;
            for (std::size_t t = 0; t < tables.size(); ++t)
                if (tables[t].in == chosen[i].out) {
                    Search::advance(next, 0, chosen[i], tables[t].steps);
                    known = true;
                }
            if (known) continue;  // a shape that only the choice leads to is rare: few groups, in this expression
            list<value_step> steps;
            for (std::uint64_t g = 0; g < Search::groups::count; ++g) Search::add_group(steps, eval, chosen[i].out, g);
            Search::advance(next, 0, chosen[i], steps.span());
        }
        begin_with<Search, Free, Pin>(next, each_step<Search, Free>{});
        chosen = static_cast<list<value_step>&&>(next);
    };
    [&]<std::size_t... S>(std::index_sequence<S...>) {
        // Shapes repeat from stage to stage; each is wanted once.
        (add_tables<Search, nodes_behind<Search, Input, S>>(tables,
                                                            each_step<Search, nodes_behind<Search, Input, S>>{}),
         ...);
        (further(static_cast<nodes_behind<Search, Input, S>*>(nullptr)), ...);
    }
    (std::make_index_sequence<Space::stages>{});
    return best_end<Search>(eval, Classes, chosen.span());
}();

}  // namespace llmnas::detail
