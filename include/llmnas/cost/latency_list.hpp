// SPDX-License-Identifier: MIT
/// \file
/// The built-in latency models as a Hana list, for look-up by name.
#pragma once

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/cost/latency.hpp>

namespace llmnas {

inline constexpr auto latency_models = boost::hana::tuple_t<stm32h743_480mhz::tflm, stm32h743_480mhz::cmsis_nn,
                                                            stm32h743_480mhz::x_cube_ai, stm32h743_480mhz::tinyengine>;

}  // namespace llmnas
