#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tidy.sh BUILD: clang-tidy over one translation unit that includes every torch-free header. 77 tells ctest: skipped.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

if ! command -v clang-tidy-14 >/dev/null; then
    echo "LLMNAS_SKIP: clang-tidy 14 is not installed (package clang-tidy-14)"
    exit 77
fi
clang-tidy-14 -p "$1" --quiet "$root/tests/odr/one.cpp"
