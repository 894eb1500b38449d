// SPDX-License-Identifier: MIT
#include <llmnas/llmnas.hpp>

int main() { return at::ones({2, 3}).numel() == 6 ? 0 : 1; }
