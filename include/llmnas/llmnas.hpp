// SPDX-License-Identifier: MIT
/// \file
/// The whole library but the command-line program and the ONNX export, which are included by themselves. Needs
/// libtorch.
#pragma once

#include <llmnas/static.hpp>

#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/core/graph_hash.hpp>
#include <llmnas/core/result.hpp>
#include <llmnas/core/version.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/json/reply.hpp>
#include <llmnas/json/schema.hpp>
#include <llmnas/llm/llm_proposer.hpp>
#include <llmnas/llm/openai_backend.hpp>
#include <llmnas/llm/prompt.hpp>
#include <llmnas/llm/server_check.hpp>
#include <llmnas/llm/strategies/genius.hpp>
#include <llmnas/llm/strategies/quality_diversity.hpp>
#include <llmnas/search/child_process.hpp>
#include <llmnas/search/evolution_proposer.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/front_quality.hpp>
#include <llmnas/search/hypervolume.hpp>
#include <llmnas/search/local_search_proposer.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/network_header.hpp>
#include <llmnas/search/nsga2_proposer.hpp>
#include <llmnas/search/prescreened_proposer.hpp>
#include <llmnas/search/random_proposer.hpp>
#include <llmnas/search/results.hpp>
#include <llmnas/train/any_dataset.hpp>
#include <llmnas/train/evaluate.hpp>
#include <llmnas/train/network_module.hpp>
#include <llmnas/train/pth.hpp>
#include <llmnas/train/pth_writer.hpp>
#include <llmnas/train/safetensors.hpp>
#include <llmnas/train/trainer.hpp>
#include <llmnas/train/weights_file.hpp>
#include <llmnas/train/zero_cost_scores.hpp>
