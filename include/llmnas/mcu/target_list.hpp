// SPDX-License-Identifier: MIT
/// \file
/// The built-in targets as a Hana list, for look-up by name.
#pragma once

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/mcu/targets.hpp>

namespace llmnas::mcu {

inline constexpr auto targets = boost::hana::tuple_t<stm32h743, stm32f746, stm32f411, stm32l4r5, rp2040, nrf52840>;

}  // namespace llmnas::mcu
