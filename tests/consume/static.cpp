// SPDX-License-Identifier: MIT
#include <llmnas/static.hpp>

using namespace llmnas::literals;
static_assert(320_KiB == llmnas::bytes{327'680});

int main() {}
