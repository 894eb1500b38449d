#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the fuzz target of the reply parser and runs it. Exit 77: no clang++ with libFuzzer.
set -euo pipefail

usage="usage: tests/fuzz/run.sh FOLDER [SECONDS]
  FOLDER   where the program and what it finds lie; new inputs stay there from run to run
  SECONDS  default 20"
if [ $# -lt 1 ] || [ "$1" = --help ]; then echo "$usage"; exit 2; fi
folder=$1
seconds=${2:-20}
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder/found"

compiler=
for candidate in clang++-14 clang++; do
    if command -v "$candidate" >/dev/null &&
        echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
        "$candidate" -fsanitize=fuzzer,address,undefined -x c++ - -o "$folder/probe" 2>/dev/null; then
        compiler=$candidate
        break
    fi
done
if [ -z "$compiler" ]; then
    echo "skipped: no clang++ with libFuzzer (packages clang and libclang-rt-dev)"
    exit 77
fi
"$compiler" -std=c++20 -O1 -g1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DFMT_HEADER_ONLY \
    -D_GLIBCXX_ASSERTIONS -I"$root/include" -I"$root/tests" "$root/tests/fuzz/reply.cpp" -o "$folder/reply"
# A crash, a leak, a broken promise or an input of more than 5 s is a failure; its input is left in the folder.
"$folder/reply" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
    -dict="$root/tests/fuzz/reply.dict" -artifact_prefix="$folder/" "$folder/found" "$root/tests/fuzz/reply_corpus" \
    2>"$folder/log" || { tail -n 40 "$folder/log"; exit 1; }
grep -E "^stat::|DONE" "$folder/log" | tail -n 8
