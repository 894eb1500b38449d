// SPDX-License-Identifier: MIT
/// \file
/// The cost terms as a Hana list, for code that goes over all of them (tables, reports, users' extensions).
#pragma once

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <llmnas/cost/counters.hpp>
#include <llmnas/cost/terms.hpp>

namespace llmnas {

inline constexpr auto cost_terms =
    boost::hana::tuple_t<mac_count, ptflops_count, parameter_count, int8_weights, int8_constants, int8_flash>;

}  // namespace llmnas
