// SPDX-License-Identifier: MIT
/// \file
/// Trainers and search definitions: what a program fixes about its search at compile time.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>

#include <llmnas/json/json_value.hpp>

#include <llmnas/core/graph.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/training.hpp>
#include <llmnas/cost/memory_model.hpp>
#include <llmnas/search/objectives.hpp>
#include <llmnas/space/search_space.hpp>

namespace llmnas {

/// Trains a network from scratch, or continues from the checkpoint file where it exists, and validates it. The file is
/// the trainer's own: any format, written so that an interrupted run loses at most an epoch; an empty path means none.
/// Equal arguments give equal results on one machine.
template <class T>
concept Trainer = requires(T& t, const graph_view& net, const fidelity& f, std::uint64_t seed,
                           const std::filesystem::path& checkpoint, const epoch_callback& on_epoch) {
    { t.train(net, f, seed, checkpoint, on_epoch) } -> std::same_as<result<training_metrics>>;
};

/// A struct with the types of a search and a function that makes its trainer from run-time options. The same struct
/// serves the parent process and the children that train (search/child_process.hpp).
template <class D>
concept SearchDefinition = SearchSpace<typename D::space> && MemoryModel<typename D::memory_model> &&
    ObjectiveList<typename D::objectives> && requires(const json_value& options) {
    { *D::make_trainer(options) } -> Trainer;
    { D::make_trainer(options).error() } -> std::convertible_to<error>;
};

/// The trainer of a definition.
template <SearchDefinition D>
using trainer_of = typename decltype(D::make_trainer(json_value{}))::value_type;

}  // namespace llmnas
