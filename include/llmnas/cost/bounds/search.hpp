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

/// Without configurations, where only values are wanted.
struct value_step {
    shape out{};
    cost_vector best{};
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
    template <class Step>
    static constexpr void add_group(list<Step>& to, evaluator& eval, const shape& in, std::uint64_t group,
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
    template <class Node, class From, class Step>
    static constexpr void advance(list<Node>& to, std::uint32_t parent, const From& from, std::span<const Step> steps) {
        for (const Step& t : steps) {
            bool fresh = false;
            Node& target = find(to, t.out, fresh);
            for (std::size_t c = 0; c < criteria; ++c) {
                const std::uint64_t value = combined(c, from.best[c], t.best[c]);
                if (!fresh && !better(value, target.best[c])) continue;
                target.best[c] = value;
                if constexpr (requires { target.parent; }) {
                    target.choice[c] = t.choice[c];
                    target.parent[c] = parent;
                }
            }
        }
    }

private:
    /// The entry with a shape, appended where there is none.
    template <class Step>
    [[nodiscard]] static constexpr Step& find(list<Step>& in, const shape& out, bool& fresh) {
        for (std::size_t i = 0; i < in.size(); ++i)
            if (in[i].out == out) return in[i];
        fresh = true;
        Step& added = in.push_back({});
        added.out = out;
        return added;
    }

    template <class Step>
    static constexpr bool add(list<Step>& to, evaluator& eval, const shape& in,
                              const stage_configuration<S>& configuration) {
        const part_costs costs = eval.stage(configuration.stage, in);
        if (!costs.legal) return false;
        bool fresh = false;
        Step& target = find(to, costs.out, fresh);
        for (std::size_t c = 0; c < criteria; ++c) {
            if (!fresh && !better(costs.cost[c], target.best[c])) continue;
            target.best[c] = costs.cost[c];
            if constexpr (requires { target.choice; }) target.choice[c] = configuration.choice;
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

/// Adds the head to the nodes behind all stages; `last` becomes the position of the best node for each cost.
template <class Search, class Node>
[[nodiscard]] constexpr search_result<typename Search::space> best_end(
    typename Search::evaluator& eval, std::int32_t classes, std::span<const Node> ends,
    std::array<std::size_t, criteria>* last = nullptr) {
    search_result<typename Search::space> result;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const part_costs head = eval.head(ends[i].out, classes);
        if (!head.legal) continue;
        for (std::size_t c = 0; c < criteria; ++c) {
            const std::uint64_t value = combined(c, ends[i].best[c], head.cost[c]);
            if (result.any_legal && !Search::better(value, result.best[c])) continue;
            result.best[c] = value;
            if (last) (*last)[c] = i;
        }
        result.any_legal = true;
    }
    result.blocks_depend = eval.blocks_depend();
    return result;
}

/// Adds the head and follows the best networks back. `behind(s)` are the nodes behind s stages.
template <class Search, class Behind>
[[nodiscard]] constexpr search_result<typename Search::space> finish(typename Search::evaluator& eval,
                                                                     std::int32_t classes, Behind behind) {
    using Space = typename Search::space;
    std::array<std::size_t, criteria> last{};
    auto result = best_end<Search>(eval, classes, behind(Space::stages), &last);
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
class space_searcher {
    using Space = typename Search::space;

public:
    constexpr space_searcher(const shape& input, std::int32_t classes, const typename Search::memory& memory)
        : eval_(memory), classes_(classes) {
        nodes_[0].push_back({}).out = input;
        for (std::size_t s = 0; s < Space::stages; ++s) advance_all(nodes_[s + 1], nodes_[s]);
    }

    /// Over the whole space.
    [[nodiscard]] constexpr search_result<Space> all() {
        return finish<Search>(eval_, classes_, [&](std::size_t s) { return nodes_[s].span(); });
    }

    /// Over the networks that have the choice in some stage; without witness.
    [[nodiscard]] constexpr search_result<Space> with(pinned_choice pin) {
        list<value_step> chosen;
        for (std::size_t s = 0; s < Space::stages; ++s) {
            list<value_step> next;
            advance_all(next, chosen);
            for (std::size_t i = 0; i < nodes_[s].size(); ++i)
                Search::advance(next, 0, nodes_[s][i], steps<value_step>(nodes_[s][i].out, pin).span());
            chosen = static_cast<list<value_step>&&>(next);
        }
        return best_end<Search>(eval_, classes_, chosen.span());
    }

private:
    struct table {
        shape in;
        list<transition<Space>> steps;
    };

    template <class Step>
    [[nodiscard]] constexpr list<Step> steps(const shape& in, pinned_choice pin) {
        list<Step> found;
        for (std::uint64_t g = 0; g < Search::groups::count && !eval_.blocks_depend(); ++g)
            Search::add_group(found, eval_, in, g, pin);
        return found;
    }
    [[nodiscard]] constexpr std::span<const transition<Space>> steps_from(const shape& in) {
        for (std::size_t i = 0; i < tables_.size(); ++i)
            if (tables_[i].in == in) return tables_[i].steps.span();
        return tables_.push_back({in, steps<transition<Space>>(in, {})}).steps.span();
    }
    template <class Node>
    constexpr void advance_all(list<Node>& to, const list<Node>& from) {
        for (std::size_t i = 0; i < from.size(); ++i)
            Search::advance(to, static_cast<std::uint32_t>(i), from[i], steps_from(from[i].out));
    }

    typename Search::evaluator eval_;
    std::int32_t classes_;
    list<table> tables_;
    std::array<list<node<Space>>, Space::stages + 1> nodes_;
};

}  // namespace llmnas::detail
