// SPDX-License-Identifier: MIT
// Bytes and MACs do not add up. (Also the file whose compiler call the harness tests itself with.)
// expect-error: no match for 'operator\+'|invalid operands to binary expression
#include <llmnas/core/quantities.hpp>

#ifdef LLMNAS_FAIL
[[maybe_unused]] constexpr auto sum = llmnas::bytes{1} + llmnas::macs{1};
#else
[[maybe_unused]] constexpr auto sum = llmnas::bytes{1} + llmnas::bytes{1};
#endif
