// SPDX-License-Identifier: MIT
/// \file
/// Pareto local search: Paquete, Chiarandini, Stuetzle, "Pareto local optimum sets in the biobjective traveling
/// salesman problem: an experimental study", in Metaheuristics for Multiobjective Optimisation, 2004. That local search
/// is a hard rival in architecture search: White, Nolen, Savani, "Local search is state of the art for NAS benchmarks",
/// arXiv:2005.02960, 2020.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/search/pareto.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/told_points.hpp>
#include <llmnas/search/variation.hpp>

namespace llmnas {

struct local_search_options {
    std::size_t start = 8;              ///< so many finished trials are random
    std::int32_t max_mutations = 2000;  ///< tries with several changes before a random feasible network is taken
};

/// Proposes neighbours of the front: networks that differ from a member in one effective field, keep the limits and are
/// new, from a member drawn anew for each proposal. Once no member has one left, two fields change, then three, and so
/// on. Trials over the limit of an objective are no members. In what order trials are told changes nothing.
template <SearchSpace Space>
class local_search_proposer {
public:
    explicit local_search_proposer(local_search_options options = {}) : options_(options) {}

    [[nodiscard]] static std::string_view name() { return "local_search"; }

    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        auto front = front_of(context.objectives);
        if (front.empty() || told_.size() < options_.start) return start_.ask(context, rng);
        shuffle(front, rng);
        const auto taken = [&](const space_point<Space>& p) -> std::optional<proposal<Space>> {
            const auto net = decode(p, context.task.input, context.task.classes);
            if (!context.judge(net)) return std::nullopt;
            return proposal<Space>{net, std::string(name())};
        };
        for (const std::size_t member : front) {
            auto around = neighbours(told_.at(member).point, rng);
            shuffle(around, rng);
            for (const auto& p : around)
                if (auto found = taken(p)) return *std::move(found);
        }
        for (std::int32_t i = 0; i < options_.max_mutations; ++i) {
            auto p = told_.at(front[rng.below(front.size())]).point;
            for (std::int32_t changes = 0; changes < 2 + i / 100; ++changes) p = mutant(p, rng);
            if (auto found = taken(p)) return *std::move(found);
        }
        return start_.ask(context, rng);
    }

    void tell(const trial<Space>& finished) { told_.add(finished); }

    /// Every canonical point that differs in one effective field; fields that have an effect only then are drawn.
    [[nodiscard]] static std::vector<space_point<Space>> neighbours(const space_point<Space>& p, splitmix64& rng) {
        std::vector<space_point<Space>> all;
        const auto known = effective_flags(p);
        for (const gene g : effective_genes(p))
            for (std::size_t c = 0; c < axis_sizes<Space>[g.axis]; ++c) {
                if (c == p.choice[g.stage][g.axis]) continue;
                auto q = p;
                q.choice[g.stage][g.axis] = static_cast<std::uint8_t>(c);
                draw_unknown(q, known, rng);
                all.push_back(canonical(q));
            }
        return all;
    }

private:
    /// Positions in told_.
    [[nodiscard]] std::vector<std::size_t> front_of(std::span<const objective_info> objectives) const {
        pareto_archive archive(directions_of(objectives));
        for (std::size_t i = 0; i < told_.size(); ++i)
            if (told_.at(i).values.size() == objectives.size() && told_excess(objectives, told_.at(i).values) <= 0)
                archive.insert(static_cast<std::int32_t>(i), told_.at(i).values);
        std::vector<std::size_t> front;
        for (const std::int32_t i : archive.trials()) front.push_back(static_cast<std::size_t>(i));
        return front;
    }

    template <class T>
    static void shuffle(std::vector<T>& all, splitmix64& rng) {
        for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[rng.below(i)]);
    }

    local_search_options options_;
    told_points<Space> told_;
    random_proposer<Space> start_;
};

}  // namespace llmnas
