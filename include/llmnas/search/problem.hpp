// SPDX-License-Identifier: MIT
/// \file
/// What a search looks for: the deployment input, the number of classes and the limits that a network must keep.
#pragma once

#include <cstdint>

#include <llmnas/core/shape.hpp>
#include <llmnas/mcu/target.hpp>

namespace llmnas {

/// Costs are always judged at the deployment input, whatever resolution candidates are trained at. The defaults are
/// the paper's: 70 to 350 M MACs, 320 KB of peak SRAM and 2 MB of flash, 3x160x160 and 100 classes.
struct problem {
    shape input{3, 160, 160};
    std::int32_t classes = 100;
    macs min_macs{70'000'000};
    macs max_macs{350'000'000};
    budget limits = paper_budget;
    friend bool operator==(const problem&, const problem&) = default;
};

}  // namespace llmnas
