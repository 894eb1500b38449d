#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang-format over all C++ files. Version 14 only: others lay out some lines differently. 77 tells ctest: skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v clang-format-14 >/dev/null; then
    echo "LLMNAS_SKIP: clang-format 14 is not installed (package clang-format-14)"
    exit 77
fi
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    files=$(git ls-files '*.hpp' '*.cpp')
else
    files=$(find include examples tests benchmarks -name '*.hpp' -o -name '*.cpp')
fi
# A file may be deleted and not yet committed.
for file in $files; do [ ! -e "$file" ] || echo "$file"; done | xargs clang-format-14 --dry-run --Werror ||
    { echo "FAILED: format with: clang-format-14 -i FILE"; exit 1; }
