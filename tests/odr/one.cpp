// SPDX-License-Identifier: MIT
// Every public header that needs no torch, in two translation units of one program.
#include "all_headers.hpp"

int other();

int main() { return other(); }
