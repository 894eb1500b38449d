// SPDX-License-Identifier: MIT
/// \file
/// Version of the library; the build checks that it is CMake's.
#pragma once

#include <string_view>

namespace llmnas {

inline constexpr std::string_view version = "0.1.0";

}  // namespace llmnas
