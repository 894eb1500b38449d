// SPDX-License-Identifier: MIT
// What every unit test of the torch layers pays for, once: 11-27 s and 1.1 GB.
#pragma once

#include <torch/torch.h>

#include "support/pch.hpp"
