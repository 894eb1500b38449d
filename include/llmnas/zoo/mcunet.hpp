// SPDX-License-Identifier: MIT
/// \file
/// The MCUNet family: Lin et al., "MCUNet: Tiny Deep Learning on IoT Devices", NeurIPS 2020; configurations as
/// published in the repository mit-han-lab/mcunet. Blocks are {expanded channels, kernel, stride, channels, residual}.
#pragma once

#include <llmnas/core/block_list.hpp>
#include <llmnas/zoo/mobilenet.hpp>

namespace llmnas::zoo {

/// MCUNet-in0: ImageNet at 48 x 48, 6,364,224 MACs, 749,840 parameters.
inline constexpr block_list<15> mcunet_in0{.input = {3, 48, 48},
                                           .classes = 1000,
                                           .stem_channels = 24,
                                           .blocks = {{24, 3, 1, 16},
                                                      {64, 5, 2, 16},
                                                      {48, 3, 1, 16, true},
                                                      {64, 3, 1, 16, true},
                                                      {80, 7, 2, 24},
                                                      {96, 5, 1, 24, true},
                                                      {120, 5, 1, 24, true},
                                                      {120, 7, 2, 48},
                                                      {192, 5, 1, 48, true},
                                                      {240, 3, 1, 56},
                                                      {224, 5, 1, 56, true},
                                                      {280, 3, 1, 56, true},
                                                      {336, 3, 2, 112},
                                                      {448, 5, 1, 112, true},
                                                      {672, 3, 1, 192}}};

/// MCUNet-in1: ImageNet at 96 x 96, 12,790,096 MACs, 636,232 parameters.
inline constexpr block_list<14> mcunet_in1{.input = {3, 96, 96},
                                           .classes = 1000,
                                           .stem_channels = 16,
                                           .blocks = {{16, 3, 1, 8},
                                                      {32, 3, 2, 16},
                                                      {48, 3, 1, 16, true},
                                                      {48, 7, 2, 24},
                                                      {120, 3, 1, 24, true},
                                                      {120, 3, 2, 40},
                                                      {160, 7, 1, 40, true},
                                                      {160, 5, 1, 48},
                                                      {144, 3, 1, 48, true},
                                                      {192, 3, 1, 48, true},
                                                      {240, 7, 2, 96},
                                                      {384, 5, 1, 96, true},
                                                      {384, 5, 1, 96, true},
                                                      {576, 3, 1, 160}}};

/// MCUNet-in2: ImageNet at 160 x 160, 67,287,200 MACs, 729,392 parameters.
inline constexpr block_list<18> mcunet_in2{.input = {3, 160, 160},
                                           .classes = 1000,
                                           .stem_channels = 16,
                                           .blocks = {{16, 3, 1, 8},
                                                      {24, 5, 2, 16},
                                                      {96, 7, 1, 16, true},
                                                      {80, 3, 1, 16, true},
                                                      {80, 5, 1, 16, true},
                                                      {80, 3, 2, 24},
                                                      {144, 7, 1, 24, true},
                                                      {144, 5, 1, 24, true},
                                                      {96, 7, 2, 40},
                                                      {200, 5, 1, 40, true},
                                                      {200, 3, 1, 48},
                                                      {240, 5, 1, 48, true},
                                                      {192, 3, 1, 48, true},
                                                      {288, 5, 2, 96},
                                                      {384, 5, 1, 96, true},
                                                      {288, 5, 1, 96, true},
                                                      {384, 3, 1, 96, true},
                                                      {480, 5, 1, 160}}};

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

/// MCUNet-in4: ImageNet at 160 x 160, 125,874,400 MACs, 1.73 M parameters.
inline constexpr block_list<17> mcunet_in4{.input = {3, 160, 160},
                                           .classes = 1000,
                                           .stem_channels = 32,
                                           .blocks = {{32, 3, 1, 16},
                                                      {48, 7, 2, 24},
                                                      {120, 3, 1, 24, true},
                                                      {96, 5, 1, 24, true},
                                                      {120, 7, 2, 40},
                                                      {160, 3, 1, 40, true},
                                                      {160, 7, 1, 40, true},
                                                      {120, 7, 2, 80},
                                                      {240, 3, 1, 80, true},
                                                      {240, 7, 1, 80, true},
                                                      {320, 3, 1, 96},
                                                      {288, 5, 1, 96, true},
                                                      {288, 5, 1, 96, true},
                                                      {384, 7, 2, 192},
                                                      {576, 7, 1, 192, true},
                                                      {576, 5, 1, 192, true},
                                                      {768, 5, 1, 320}}};

/// MCUNet-vww0: Visual Wake Words at 64 x 64, 5,958,400 MACs, 368,970 parameters.
inline constexpr block_list<14> mcunet_vww0{.input = {3, 64, 64},
                                            .classes = 2,
                                            .stem_channels = 16,
                                            .blocks = {{16, 3, 1, 8},
                                                       {48, 5, 2, 16},
                                                       {64, 3, 1, 16, true},
                                                       {80, 3, 2, 24},
                                                       {96, 3, 1, 24, true},
                                                       {96, 3, 1, 24, true},
                                                       {120, 3, 2, 40},
                                                       {160, 3, 1, 40, true},
                                                       {120, 7, 1, 40, true},
                                                       {120, 3, 1, 48},
                                                       {192, 3, 1, 48, true},
                                                       {240, 7, 2, 96},
                                                       {480, 5, 1, 96, true},
                                                       {384, 7, 1, 160}}};

/// MCUNet-vww1: Visual Wake Words at 80 x 80, 11,578,816 MACs, 432,746 parameters.
inline constexpr block_list<15> mcunet_vww1{.input = {3, 80, 80},
                                            .classes = 2,
                                            .stem_channels = 16,
                                            .blocks = {{16, 3, 1, 8},
                                                       {48, 3, 2, 16},
                                                       {48, 3, 1, 16, true},
                                                       {48, 3, 1, 16, true},
                                                       {48, 7, 2, 24},
                                                       {144, 3, 1, 24, true},
                                                       {120, 5, 1, 24, true},
                                                       {144, 7, 2, 40},
                                                       {240, 7, 1, 40, true},
                                                       {240, 3, 1, 48},
                                                       {192, 3, 1, 48, true},
                                                       {240, 5, 2, 96},
                                                       {480, 3, 1, 96, true},
                                                       {384, 3, 1, 96, true},
                                                       {288, 7, 1, 160}}};

/// MCUNet-vww2: Visual Wake Words at 144 x 144, 55,771,280 MACs, 639,258 parameters.
inline constexpr block_list<22> mcunet_vww2{
    .input = {3, 144, 144},
    .classes = 2,
    .stem_channels = 16,
    .blocks = {{16, 3, 1, 8},         {24, 3, 2, 16},  {80, 3, 1, 16, true},  {96, 5, 1, 16, true},
               {48, 3, 1, 16, true},  {80, 7, 2, 24},  {96, 5, 1, 24, true},  {96, 3, 1, 24, true},
               {144, 7, 1, 24, true}, {144, 3, 2, 40}, {240, 7, 1, 40, true}, {160, 5, 1, 40, true},
               {200, 3, 1, 40, true}, {200, 5, 1, 48}, {144, 5, 1, 48, true}, {192, 3, 1, 48, true},
               {144, 5, 1, 48, true}, {192, 3, 2, 96}, {480, 5, 1, 96, true}, {384, 5, 1, 96, true},
               {384, 3, 1, 96, true}, {480, 3, 1, 160}}};

/// ProxylessNAS scaled to width 0.3, the family's baseline: ImageNet at 176 x 176, 38,282,216 MACs, 754,280 parameters.
inline constexpr block_list<20> proxyless_w03{
    .input = {3, 176, 176},
    .classes = 1000,
    .stem_channels = 16,
    .blocks = {{16, 3, 1, 8},         {24, 5, 2, 16},        {48, 3, 1, 16, true},  {48, 7, 2, 16},
               {48, 3, 1, 16, true},  {48, 5, 1, 16, true},  {48, 5, 1, 16, true},  {96, 7, 2, 24},
               {72, 5, 1, 24, true},  {72, 5, 1, 24, true},  {72, 5, 1, 24, true},  {144, 5, 1, 32},
               {96, 5, 1, 32, true},  {96, 5, 1, 32, true},  {96, 5, 1, 32, true},  {192, 7, 2, 64},
               {384, 7, 1, 64, true}, {192, 7, 1, 64, true}, {192, 7, 1, 64, true}, {384, 7, 1, 96}},
    .head_channels = 384};

/// The family's baseline, MobileNetV2 of width 0.35 with the last convolution narrowed too, which MobileNetV2's authors
/// do not: ImageNet at 144 x 144, 23,499,152 MACs, 750,280 parameters.
inline constexpr block_list<17> mcunet_mbv2_w035 = [] {
    block_list<17> net = mobilenet_v2({.width = {35, 100}, .resolution = 144});
    net.head_channels = round_channels(1280, {35, 100});
    return net;
}();

}  // namespace llmnas::zoo
