// SPDX-License-Identifier: MIT
/// \file
/// The search that the program llmnas runs: Table I with SE ratios, the paper's objectives, libtorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <llmnas/json/json_value.hpp>

#include <llmnas/core/result.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/search/trainer.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/train/cifar100.hpp>
#include <llmnas/train/generated_images.hpp>
#include <llmnas/train/trainer.hpp>

namespace llmnas::cli {

/// Definition for search_loop and child_process. Options of the trainer: `data` (directory with CIFAR-100; empty: the
/// generated set), `recipe`, `threads`, `validation_images` (a stratified subset; 0: all).
struct program_search {
    using space = table1_se;
    using memory_model = any_memory_model;
    using objectives = paper_objectives;
    using trainer = mini_trainer<any_schedule>;

    [[nodiscard]] static result<trainer> make_trainer(const json_value& options) {
        auto recipe = recipe_named(options.value("recipe", "mini"));
        if (!recipe) return tl::unexpected<error>(recipe.error());
        recipe->validation_images = options.value("validation_images", recipe->validation_images);
        const std::string dir = options.value("data", "");
        auto data = dir.empty() ? result<training_data>(generate_images()) : cifar100::load(dir);
        if (!data) return tl::unexpected<error>(data.error());
        return trainer(std::make_shared<const training_data>(std::move(*data)), std::move(*recipe),
                       {.threads = options.value("threads", 0)});
    }
};
static_assert(SearchDefinition<program_search>);

}  // namespace llmnas::cli
