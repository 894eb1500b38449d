// SPDX-License-Identifier: MIT
// The main function of Catch2 2, which is a header: compiled once for all test programs. Version 3 brings a library.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
