// SPDX-License-Identifier: MIT
// The light umbrella without exceptions and RTTI; tests/tools/light.py looks at what it reaches.
#include <llmnas/static.hpp>
