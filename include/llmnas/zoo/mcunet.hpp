// SPDX-License-Identifier: MIT
/// \file
/// The MCUNet family: Lin et al., "MCUNet: Tiny Deep Learning on IoT Devices", NeurIPS 2020; configurations as
/// published in the repository mit-han-lab/mcunet.
#pragma once

#include <llmnas/core/block_list.hpp>

namespace llmnas::zoo {

/// MCUNet-in3: ImageNet at 176 x 176, 81,785,520 MACs, 0.74 M parameters.
inline constexpr block_list<18> mcunet_in3{.input = {3, 176, 176},
                                           .classes = 1000,
                                           .stem_channels = 16,
                                           .blocks = {{16, 3, 1, 8},
                                                      {24, 7, 2, 16},
                                                      {80, 3, 1, 16, true},
                                                      {80, 7, 1, 16, true},
                                                      {64, 5, 1, 16, true},
                                                      {80, 5, 2, 24},
                                                      {120, 5, 1, 24, true},
                                                      {120, 5, 1, 24, true},
                                                      {120, 3, 2, 40},
                                                      {240, 7, 1, 40, true},
                                                      {160, 5, 1, 40, true},
                                                      {200, 5, 1, 48},
                                                      {240, 7, 1, 48, true},
                                                      {240, 3, 1, 48, true},
                                                      {288, 3, 2, 96},
                                                      {480, 7, 1, 96, true},
                                                      {384, 3, 1, 96, true},
                                                      {480, 7, 1, 160}}};

}  // namespace llmnas::zoo
