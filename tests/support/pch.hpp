// SPDX-License-Identifier: MIT
// What every unit test pays for, once.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "support/catch.hpp"
