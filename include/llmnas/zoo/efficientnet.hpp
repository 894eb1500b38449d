// SPDX-License-Identifier: MIT
/// \file
/// EfficientNet-Lite: Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
/// in the variant without squeeze-and-excitation and with ReLU6 that the repository tensorflow/tpu publishes.
#pragma once

#include <llmnas/core/block_list.hpp>

namespace llmnas::zoo {

/// EfficientNet-Lite0: ImageNet at 224 x 224, 385,187,552 MACs, 4,652,008 parameters (README: 407 M multiply-adds,
/// 4.7 M). Its batch norm has epsilon 1e-3, which is the trainer's to set.
inline constexpr block_list<16> efficientnet_lite0{.input = {3, 224, 224},
                                                   .classes = 1000,
                                                   .stem_channels = 32,
                                                   .blocks = {{32, 3, 1, 16},
                                                              {96, 3, 2, 24},
                                                              {144, 3, 1, 24, true},
                                                              {144, 5, 2, 40},
                                                              {240, 5, 1, 40, true},
                                                              {240, 3, 2, 80},
                                                              {480, 3, 1, 80, true},
                                                              {480, 3, 1, 80, true},
                                                              {480, 5, 1, 112},
                                                              {672, 5, 1, 112, true},
                                                              {672, 5, 1, 112, true},
                                                              {672, 5, 2, 192},
                                                              {1152, 5, 1, 192, true},
                                                              {1152, 5, 1, 192, true},
                                                              {1152, 5, 1, 192, true},
                                                              {1152, 3, 1, 320}},
                                                   .head_channels = 1280,
                                                   .pad = padding_kind::same};

}  // namespace llmnas::zoo
