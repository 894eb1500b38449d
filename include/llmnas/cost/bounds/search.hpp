// SPDX-License-Identifier: MIT
/// \file
/// The dynamic programme behind bounds over a space: what is known behind each stage is the shape of the map there,
/// and for each shape the extreme of every cost over all ways to reach it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <llmnas/cost/bounds/list.hpp>
#include <llmnas/cost/bounds/stage_costs.hpp>
#include <llmnas/space/stage_groups.hpp>

namespace llmnas::detail {

/// One stage from a given input to one output shape: the extreme of each cost, and a configuration that attains it.
template <SearchSpace Space>
struct transition {
    shape out{};
    cost_vector best{};
    std::array<std::array<std::uint8_t, axis_count<Space>>, criteria> choice{};
};

/// The same over all stages so far; `parent` is a position among the nodes before the last stage.
template <SearchSpace Space>
struct node : transition<Space> {
    std::array<std::uint32_t, criteria> parent{};
};

/// How a space is searched for one end of its costs.
template <SearchSpace S, rule_use Rules, class M, extreme E>
struct bound_search {
    using space = S;
    using memory = M;
    using groups = stage_groups<S, Rules>;
    using evaluator = stage_evaluator<S, M>;
    static constexpr extreme end = E;

    [[nodiscard]] static constexpr bool better(std::uint64_t a, std::uint64_t b) noexcept {
        return E == extreme::least ? a < b : b < a;
    }

    /// Adds the extremes of one group of configurations on input `in`. The corner of the group is enough where it is
    /// legal; else every member counts.
    static constexpr void add_group(list<transition<S>>& to, evaluator& eval, const shape& in, std::uint64_t group,
                                    pinned_choice pin = {}) {
        const auto corner = groups::corner(group, E, pin);
        if (!corner.valid) return;
        if (add(to, eval, in, corner) || groups::members == 1) return;
        for (std::uint64_t m = 0; m < groups::members; ++m) {
            const auto member = groups::member(group, m, pin);
            if (member.valid) add(to, eval, in, member);
        }
    }

    /// Continues node number `parent` by one stage.
    static constexpr void advance(list<node<S>>& to, std::uint32_t parent, const node<S>& from,
                                  std::span<const transition<S>> steps) {
        for (const transition<S>& t : steps) {
            node<S>* target = nullptr;
            for (std::size_t i = 0; i < to.size() && !target; ++i)
                if (to[i].out == t.out) target = &to[i];
            const bool fresh = target == nullptr;
            if (fresh) {
                target = &to.push_back({});
                target->out = t.out;
            }
            for (std::size_t c = 0; c < criteria; ++c) {
                const std::uint64_t value = combined(c, from.best[c], t.best[c]);
                if (!fresh && !better(value, target->best[c])) continue;
                target->best[c] = value;
                target->choice[c] = t.choice[c];
                target->parent[c] = parent;
            }
        }
    }

private:
    static constexpr bool add(list<transition<S>>& to, evaluator& eval, const shape& in,
                              const stage_configuration<S>& configuration) {
        const part_costs costs = eval.stage(configuration.stage, in);
        if (!costs.legal) return false;
        transition<S>* target = nullptr;
        for (std::size_t i = 0; i < to.size() && !target; ++i)
            if (to[i].out == costs.out) target = &to[i];
        const bool fresh = target == nullptr;
        if (fresh) {
            target = &to.push_back({});
            target->out = costs.out;
        }
        for (std::size_t c = 0; c < criteria; ++c) {
            if (!fresh && !better(costs.cost[c], target->best[c])) continue;
            target->best[c] = costs.cost[c];
            target->choice[c] = configuration.choice;
        }
        return true;
    }
};

/// Extreme of each cost over whole networks, and a point that attains it.
template <SearchSpace Space>
struct search_result {
    bool any_legal = false;
    bool blocks_depend = false;
    cost_vector best{};
    std::array<space_point<Space>, criteria> witness{};
};

/// Adds the head and follows the best networks back. `behind(s)` are the nodes behind s stages.
template <class Search, class Behind>
[[nodiscard]] constexpr search_result<typename Search::space> finish(typename Search::evaluator& eval,
                                                                     std::int32_t classes, Behind behind) {
    using Space = typename Search::space;
    search_result<Space> result;
    std::array<std::size_t, criteria> last{};
    const auto ends = behind(Space::stages);
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const part_costs head = eval.head(ends[i].out, classes);
        if (!head.legal) continue;
        for (std::size_t c = 0; c < criteria; ++c) {
            const std::uint64_t value = combined(c, ends[i].best[c], head.cost[c]);
            if (result.any_legal && !Search::better(value, result.best[c])) continue;
            result.best[c] = value;
            last[c] = i;
        }
        result.any_legal = true;
    }
    if (!result.any_legal) return result;
    for (std::size_t c = 0; c < criteria; ++c) {
        std::size_t at = last[c];
        for (std::size_t s = Space::stages; s-- > 0;) {
            const auto& n = behind(s + 1)[at];
            result.witness[c].choice[s] = n.choice[c];
            at = n.parent[c];
        }
    }
    return result;
}

/// The search at run time (or in one constant expression, for small spaces).
template <class Search>
[[nodiscard]] constexpr search_result<typename Search::space> run_search(const shape& input, std::int32_t classes,
                                                                         const typename Search::memory& memory) {
    using Space = typename Search::space;
    struct table {
        shape in;
        list<transition<Space>> steps;
    };
    typename Search::evaluator eval(memory);
    list<table> tables;
    const auto steps_from = [&](const shape& in) -> std::span<const transition<Space>> {
        for (std::size_t i = 0; i < tables.size(); ++i)
            if (tables[i].in == in) return tables[i].steps.span();
        table& t = tables.push_back({in, {}});
        for (std::uint64_t g = 0; g < Search::groups::count && !eval.blocks_depend(); ++g)
            Search::add_group(t.steps, eval, in, g);
        return t.steps.span();
    };
    std::array<list<node<Space>>, Space::stages + 1> nodes;
    nodes[0].push_back({}).out = input;
    for (std::size_t s = 0; s < Space::stages; ++s)
        for (std::size_t i = 0; i < nodes[s].size(); ++i)
            Search::advance(nodes[s + 1], static_cast<std::uint32_t>(i), nodes[s][i], steps_from(nodes[s][i].out));
    auto result = finish<Search>(eval, classes, [&](std::size_t s) { return nodes[s].span(); });
    result.blocks_depend = eval.blocks_depend();
    return result;
}

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

/// Nodes behind one more stage than `Before`; I counts its nodes and the chunks of each.
template <class Search, class Before, std::size_t... I>
[[nodiscard]] constexpr list<node<typename Search::space>> one_stage_further(std::index_sequence<I...>) {
    list<node<typename Search::space>> to;
    (Search::advance(
         to, static_cast<std::uint32_t>(I / chunk_count<Search>), Before::nodes.items[I / chunk_count<Search>],
         chunk_of_steps<Search, Before::nodes.items[I / chunk_count<Search>].out, I % chunk_count<Search>>.span()),
     ...);
    return to;
}

template <class Search, class Before, std::size_t... I>
[[nodiscard]] constexpr bool any_depends(std::index_sequence<I...>) {
    return (
        chunk_of_steps<Search, Before::nodes.items[I / chunk_count<Search>].out, I % chunk_count<Search>>.blocks_depend ||
        ...);
}

/// The search at compile time, one constant expression for each stage and input shape. Nodes behind S stages.
template <class Search, shape Input, std::size_t S>
struct nodes_behind {
    using before = nodes_behind<Search, Input, S - 1>;
    using each = std::make_index_sequence<before::nodes.count * chunk_count<Search>>;
    static constexpr std::size_t size = one_stage_further<Search, before>(each{}).size();
    static constexpr frozen_list<node<typename Search::space>, size> nodes{one_stage_further<Search, before>(each{})};
    static constexpr bool blocks_depend = before::blocks_depend || any_depends<Search, before>(each{});
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
    result.blocks_depend = nodes_behind<Search, Input, Space::stages>::blocks_depend;
    return result;
}();

}  // namespace llmnas::detail
