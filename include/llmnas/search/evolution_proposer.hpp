// SPDX-License-Identifier: MIT
/// \file
/// Regularised evolution: Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search",
/// AAAI 2019.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

#include <llmnas/search/proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/variation.hpp>
#include <llmnas/space/membership.hpp>

namespace llmnas {

/// The defaults are for budgets of tens of trials; with hundreds a larger population keeps more variety.
struct evolution_options {
    std::size_t population = 12;        ///< the last so many finished trials live
    std::size_t tournament = 4;         ///< so many of them compete for becoming the parent
    std::int32_t max_mutations = 2000;  ///< tries for one proposal before a random feasible network is taken
};

/// The population is a queue of finished trials of this space; a tournament's most accurate member is mutated in one
/// effective field, until the child keeps the limits and is new (after ten failures in two fields, and so on). Until
/// the population is half full, proposals are random.
template <SearchSpace Space>
class evolution_proposer {
public:
    explicit evolution_proposer(evolution_options options = {}) : options_(options) {}

    [[nodiscard]] static std::string_view name() { return "evolution"; }

    [[nodiscard]] tl::expected<proposal<Space>, rejection> ask(const search_context<Space>& context, splitmix64& rng) {
        if (population_.empty() || population_.size() * 2 < options_.population) return start_.ask(context, rng);
        const space_point<Space> parent = select_parent(rng);
        for (std::int32_t i = 0; i < options_.max_mutations; ++i) {
            auto child = parent;
            for (std::int32_t changes = 0; changes <= i / 10; ++changes) mutate(child, rng);
            const auto net = decode(child, context.task.input, context.task.classes);
            if (context.judge(net)) return proposal<Space>{net, std::string(name())};
        }
        return start_.ask(context, rng);
    }

    void tell(const trial<Space>& finished) {
        if (finished.state != trial_state::complete || !finished.candidate.feasible) return;
        const auto found = encode<Space>(finished.candidate.network);
        if (found.violation) return;  // an included network outside the space cannot be mutated within it
        population_.push_back({found.point, finished.training.accuracy});
        if (population_.size() > options_.population) population_.pop_front();
    }

private:
    struct individual {
        space_point<Space> point;
        double accuracy = 0;
    };

    [[nodiscard]] const space_point<Space>& select_parent(splitmix64& rng) const {
        const individual* best = nullptr;
        for (std::size_t i = 0; i < std::max<std::size_t>(options_.tournament, 1); ++i) {
            const individual& rival = population_[rng.below(population_.size())];
            if (!best || rival.accuracy > best->accuracy) best = &rival;
        }
        return best->point;
    }

    evolution_options options_;
    std::deque<individual> population_;
    random_proposer<Space> start_;
};

}  // namespace llmnas
