// SPDX-License-Identifier: MIT
/// \file
/// The light umbrella: everything needed to prove at compile time that a network fits a microcontroller. C++20 and
/// Boost.Hana only; works under -fno-exceptions -fno-rtti. Proofs about whole search spaces, which cost a tenth more to
/// compile, stand in <llmnas/mcu/fits_space.hpp>.
#pragma once

#include <llmnas/core/architecture.hpp>
#include <llmnas/core/block_list.hpp>
#include <llmnas/core/block_types.hpp>
#include <llmnas/core/blocks/basic.hpp>
#include <llmnas/core/blocks/convolution.hpp>
#include <llmnas/core/blocks/xiconv.hpp>
#include <llmnas/core/network.hpp>
#include <llmnas/core/quantities.hpp>
#include <llmnas/core/random.hpp>
#include <llmnas/cost/costs.hpp>
#include <llmnas/cost/latency.hpp>
#include <llmnas/cost/limits.hpp>
#include <llmnas/cost/memory/with_runtime.hpp>
#include <llmnas/cost/memory_model_list.hpp>
#include <llmnas/cost/term_list.hpp>
#include <llmnas/mcu/fits.hpp>
#include <llmnas/mcu/target_list.hpp>
#include <llmnas/mcu/targets.hpp>
#include <llmnas/space/cardinality.hpp>
#include <llmnas/space/membership.hpp>
#include <llmnas/space/sampling.hpp>
#include <llmnas/space/table1.hpp>
#include <llmnas/zoo/efficientnet.hpp>
#include <llmnas/zoo/lmanet.hpp>
#include <llmnas/zoo/mcunet.hpp>
#include <llmnas/zoo/mlperf_tiny.hpp>
#include <llmnas/zoo/mobilenet.hpp>
#include <llmnas/zoo/xinet.hpp>
