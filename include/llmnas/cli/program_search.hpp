// SPDX-License-Identifier: MIT
/// \file
/// The search that the program llmnas runs: Table I with SE ratios, the paper's objectives, libtorch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <llmnas/cli/data_options.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/json/json_value.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/trainer.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/train/trainer.hpp>

namespace llmnas::cli {

/// Definition for search_loop and child_process. Options of the trainer: those of data_options, `recipe`, `threads`,
/// `device`, `validation_images` (a stratified subset; 0: all), `average_decay`,
/// `mixed_precision`, `fused_operators`.
struct program_search {
    using space = table1_se;
    using memory_model = any_memory_model;
    using objectives = paper_objectives;
    using trainer = mini_trainer<any_schedule, any_augmentation>;

    [[nodiscard]] static result<trainer> make_trainer(const json_value& options, step_callback on_step = {}) {
        auto recipe = recipe_named(options.value("recipe", "mini"));
        if (!recipe) return tl::unexpected<error>(recipe.error());
        recipe->validation_images = options.value("validation_images", recipe->validation_images);
        recipe->average_decay = options.value("average_decay", recipe->average_decay);
        const auto precision = mixed_precision_named(options.value("mixed_precision", "none"));
        if (!precision) return tl::unexpected<error>(precision.error());
        recipe->precision = *precision;
        auto data = data_options::load(options);
        if (!data) return tl::unexpected<error>(data.error());
        return trainer(std::make_shared<const training_data>(std::move(*data)), std::move(*recipe),
                       {.device = options.value("device", std::string("auto")),
                        .threads = options.value("threads", 0),
                        .fused_operators = options.value("fused_operators", true),
                        .on_step = std::move(on_step)});
    }
};
static_assert(SearchDefinition<program_search>);

}  // namespace llmnas::cli
