// SPDX-License-Identifier: MIT
/// \file
/// A language model as the variation operator of a quality-diversity search, as LLMatic does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <llmnas/core/random.hpp>
#include <llmnas/llm/prompt.hpp>
#include <llmnas/search/quality_diversity.hpp>

namespace llmnas {

/// After LLMatic: Nasir, Earle, Togelius, James, Cleghorn, "LLMatic: Neural Architecture Search via Large Language
/// Models and Quality Diversity Optimization", arXiv:2306.01102, 2023 (GECCO 2024). The trained networks fill a
/// MAP-Elites archive over parameters and depth. Each prompt shows the elite of one niche and asks for a variation of
/// it: towards an empty niche beside it (two times in three, where there is one), or a more accurate one in its own.
/// LLMatic varies code, over the ratio of width to depth and FLOPs, and keeps a second archive of prompts; this one
/// varies designs of a space, and its choices follow from the state of the search, so that it is continued as it was.
template <SearchSpace Space>
class quality_diversity_prompt {
public:
    explicit quality_diversity_prompt(niche_grid grid = {}, std::uint64_t seed = 0) : grid_(grid), seed_(seed) {}

    [[nodiscard]] static std::string_view name() { return "quality-diversity"; }

    void fit(std::size_t tokens) { tokens_ = tokens; }
    void explain(bool wanted) { form_.explain(wanted); }

    /// At most as many tokens as fit() allows, by token_estimate().
    [[nodiscard]] std::vector<chat_message> messages(const search_context<Space>& context) {
        const auto archive = elite_archive::of<Space>(context.trials, grid_);
        prompt_document document;
        detail::add_task(document, context);
        document.section("# Objective");
        document.add(prompt_part::detail,
                     "Networks of all sizes and depths, each as accurate as possible at its size and depth.\n");
        detail::add_constraints(document, context);
        detail::add_space<Space>(document);
        form_.add_to(document, context, archive.elites().empty());
        if (!archive.elites().empty()) add_variation(document, context, archive);
        detail::add_rejections(document, context, {});
        return form_.messages(tokens_, std::move(document));
    }

private:
    struct variation {
        niche from;  ///< has an elite
        niche to;
    };

    [[nodiscard]] variation choose(const search_context<Space>& context, const elite_archive& archive) const {
        splitmix64 rng{mix_seed(mix_seed(seed_, context.trials.size()), context.rejections.size())};
        const auto any =
            std::next(archive.elites().begin(), static_cast<std::ptrdiff_t>(rng.below(archive.elites().size())))->first;
        const auto frontier = archive.frontier();
        if (frontier.empty() || rng.below(3) == 0) return {any, any};
        const niche to = frontier[rng.below(frontier.size())];
        std::vector<niche> beside;
        for (const niche n : elite_archive::around(to))
            if (archive.has(n)) beside.push_back(n);
        return {beside[rng.below(beside.size())], to};
    }

    [[nodiscard]] std::string range_words(niche n) const {
        const auto [least, end] = niche_grid::parameters_of(n);
        const auto [shallow, deep] = grid_.blocks_of(n);
        return fmt::format("{} to {} parameters, {} to {} blocks (layers of all stages together)",
                           detail::grouped(least), detail::grouped(end - 1), shallow, deep);
    }

    void add_variation(prompt_document& document, const search_context<Space>& context,
                       const elite_archive& archive) const {
        const variation v = choose(context, archive);
        const elite_archive::elite& parent = archive.elites().at(v.from);
        const trial<Space>& t = *detail::find_trial(context, parent.trial);
        document.section("# Archive: the most accurate network of each size and depth", archive.elites().size());
        for (const auto& [n, e] : archive.elites())
            document.add(prompt_part::statistics,
                         fmt::format("- {}: {}\n", range_words(n), detail::percent(e.accuracy)));
        document.section("# Network to vary");
        document.add(prompt_part::form_example,
                     fmt::format("{}, {} blocks:\n{}\n", detail::trial_words(context, t),
                                 block_count(t.candidate.network), proposal_json<Space>(t.candidate.network).dump()));
        document.section("# Variation wanted");
        document.add(prompt_part::note, direction_words(v) + "\n");
    }

    [[nodiscard]] std::string direction_words(const variation& v) const {
        if (v.to == v.from)
            return fmt::format("A more accurate network of the same size and depth: {}. Change a few fields.",
                               range_words(v.to));
        const std::string_view how = v.to.parameters > v.from.parameters   ? "larger"
                                     : v.to.parameters < v.from.parameters ? "smaller"
                                     : v.to.depth > v.from.depth           ? "deeper"
                                                                           : "shallower";
        return fmt::format("A {} network, as no other is yet: {}. Keep what makes this one good.", how,
                           range_words(v.to));
    }

    std::size_t tokens_ = context_window{}.prompt_tokens();
    niche_grid grid_;
    std::uint64_t seed_;
    detail::answer_form<Space> form_;
};

}  // namespace llmnas
