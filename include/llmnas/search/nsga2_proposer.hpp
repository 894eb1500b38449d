// SPDX-License-Identifier: MIT
/// \file
/// NSGA-II: Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
/// Transactions on Evolutionary Computation 6(2), 2002.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <llmnas/search/front_quality.hpp>
#include <llmnas/search/proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/told_points.hpp>
#include <llmnas/search/variation.hpp>

namespace llmnas {

/// The defaults are for budgets of tens to hundreds of trials.
struct nsga2_options {
    std::size_t population = 20;
    std::size_t start = 10;             ///< so many finished trials are random
    double crossover = 0.9;             ///< share of children with two parents
    std::int32_t max_mutations = 2000;  ///< tries for one proposal before a random feasible network is taken
};

/// Steady state, so that no worker waits for the end of a generation (Durillo, Nebro, Luna, Alba, "On the effect of the
/// steady-state selection scheme in multi-objective genetic algorithms", EMO 2009): each proposal is a child of the
/// population, which is the best of all finished trials by rank, then by crowding distance. Trials over the limit of an
/// objective come behind those within, in the order of what they are over by (the paper's constrained dominance). In
/// what order trials are told changes nothing.
template <SearchSpace Space>
class nsga2_proposer {
public:
    explicit nsga2_proposer(nsga2_options options = {}) : options_(options) {}

    [[nodiscard]] static std::string_view name() { return "nsga2"; }

    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        const auto population = survivors(context.objectives);
        if (population.empty() || told_.size() < options_.start) return start_.ask(context, rng);
        for (std::int32_t i = 0; i < options_.max_mutations; ++i) {
            auto child = told_.at(select(population, rng).told).point;
            if (rng.uniform() < options_.crossover)
                child = uniform_crossover(child, told_.at(select(population, rng).told).point, rng);
            for (std::int32_t changes = 0; changes <= i / 10; ++changes) child = mutant(child, rng);
            const auto net = decode(child, context.task.input, context.task.classes);
            if (context.judge(net)) return proposal<Space>{net, std::string(name())};
        }
        return start_.ask(context, rng);
    }

    void tell(const trial<Space>& finished) { told_.add(finished); }

    /// Numbers of the trials that are the population, best first.
    [[nodiscard]] std::vector<std::int32_t> population(std::span<const objective_info> objectives) const {
        std::vector<std::int32_t> numbers;
        for (const individual& i : survivors(objectives)) numbers.push_back(told_.at(i.told).number);
        return numbers;
    }

private:
    struct individual {
        std::size_t told = 0;
        double rank = 0;      ///< of non-domination; over the limits: behind all of those, by how much
        double crowding = 0;  ///< distance
        [[nodiscard]] bool better_than(const individual& other) const {
            return rank != other.rank ? rank < other.rank : crowding > other.crowding;
        }
    };

    [[nodiscard]] std::vector<individual> survivors(std::span<const objective_info> objectives) const {
        const auto towards = directions_of(objectives);
        std::vector<individual> all;
        std::vector<std::size_t> within;
        std::vector<double> values;
        for (std::size_t i = 0; i < told_.size(); ++i) {
            const auto& t = told_.at(i);
            if (t.values.size() != objectives.size()) continue;
            if (const double excess = told_excess(objectives, t.values); excess > 0) {
                all.push_back({i, static_cast<double>(told_.size()) + excess});
                continue;
            }
            within.push_back(i);
            values.insert(values.end(), t.values.begin(), t.values.end());
        }
        if (const auto ranks = non_dominated_ranks(values, towards)) {
            std::vector<std::vector<std::size_t>> fronts(within.size());
            for (std::size_t i = 0; i < within.size(); ++i) fronts[static_cast<std::size_t>((*ranks)[i])].push_back(i);
            std::size_t taken = 0;
            for (std::size_t r = 0; r < fronts.size() && taken < options_.population; taken += fronts[r++].size()) {
                std::vector<double> of_front;
                for (const std::size_t i : fronts[r])
                    of_front.insert(of_front.end(), told_.at(within[i]).values.begin(),
                                    told_.at(within[i]).values.end());
                const auto crowding = crowding_distances(of_front, towards).value_or(std::vector<double>());
                for (std::size_t k = 0; k < crowding.size(); ++k)
                    all.push_back({within[fronts[r][k]], static_cast<double>(r), crowding[k]});
            }
        }
        std::stable_sort(all.begin(), all.end(),
                         [](const individual& a, const individual& b) { return a.better_than(b); });
        if (all.size() > options_.population) all.resize(options_.population);
        return all;
    }

    /// Binary tournament.
    [[nodiscard]] static const individual& select(const std::vector<individual>& population, splitmix64& rng) {
        const individual& a = population[rng.below(population.size())];
        const individual& b = population[rng.below(population.size())];
        return b.better_than(a) ? b : a;
    }

    nsga2_options options_;
    told_points<Space> told_;
    random_proposer<Space> start_;
};

}  // namespace llmnas
