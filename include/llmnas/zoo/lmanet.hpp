// SPDX-License-Identifier: MIT
/// \file
/// The paper's networks: El Zeinaty, Hamidouche, Herrou, Menard, Debbah, "Can LLMs Revolutionize the Design of
/// Explainable and Efficient TinyML Models?", IJCNN 2025, arXiv 2504.09685. CIFAR-100 at 160 x 160. LMaNet-Core
/// has an expansion of 2, outside Table I: a fixed design, not a valid proposal.
#pragma once

#include <llmnas/core/architecture.hpp>

namespace llmnas::zoo {

/// LMaNet-Elite, found with Llama3.1-8B.
inline constexpr architecture<5> lmanet_elite{
    .input = {3, 160, 160},
    .classes = 100,
    .stages = {
        {.output_channels = 16, .num_layers = 2, .kernel_size = 3, .stride = 2, .conv_type = block_type::depthwise},
        {.output_channels = 32,
         .num_layers = 2,
         .kernel_size = 5,
         .stride = 2,
         .conv_type = block_type::depthwise,
         .skip_op = skip_kind::residual},
        {.output_channels = 48,
         .num_layers = 2,
         .kernel_size = 5,
         .stride = 2,
         .activation = activation_kind::leaky_relu},
        {.output_channels = 64, .num_layers = 3, .kernel_size = 3, .stride = 1, .use_se = true, .se_ratio = {1, 2}},
        {.output_channels = 128, .num_layers = 3, .kernel_size = 7, .stride = 2},
    }};

/// LMaNet-Core, found with Llama3.2-3B.
inline constexpr architecture<5> lmanet_core{
    .input = {3, 160, 160},
    .classes = 100,
    .stages = {
        {.output_channels = 16, .kernel_size = 3, .stride = 2, .expansion_factor = 2, .skip_op = skip_kind::residual},
        {.output_channels = 32, .kernel_size = 5, .stride = 2, .expansion_factor = 2, .skip_op = skip_kind::residual},
        {.output_channels = 64,
         .num_layers = 2,
         .kernel_size = 5,
         .stride = 2,
         .expansion_factor = 4,
         .skip_op = skip_kind::residual,
         .activation = activation_kind::leaky_relu},
        {.output_channels = 64,
         .num_layers = 2,
         .kernel_size = 7,
         .stride = 2,
         .expansion_factor = 4,
         .skip_op = skip_kind::residual},
        {.output_channels = 160,
         .num_layers = 2,
         .kernel_size = 3,
         .stride = 1,
         .expansion_factor = 4,
         .skip_op = skip_kind::residual},
    }};

}  // namespace llmnas::zoo
