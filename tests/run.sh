#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds and runs the tests. On a bare Debian 12 or 13, as root or with sudo. A second run builds
# nothing and still runs everything.
set -euo pipefail

usage="usage: tests/run.sh [--long]
  --long  also the long tier: what does not fit into 30 minutes on 2 cores"
tier=(-LE long)
clang=clang-light
for argument in "$@"; do
    case $argument in
    --long) tier=() clang=clang-all ;;
    -h | --help) echo "$usage" && exit 0 ;;
    *) printf 'error: unknown argument %s\n%s\n' "$argument" "$usage" >&2 && exit 2 ;;
    esac
done

# shellcheck source=../cmake/bootstrap.sh
source "$(dirname "$0")/../cmake/bootstrap.sh"
install_packages "${LLMNAS_PACKAGES[@]}" catch2 -- curl clang libclang-rt-dev clang-format-14 clang-tidy-14 python3-optuna python3-torchvision
say "data: ${LLMNAS_DATA_DIR:-./data}"
# For tests/integration/llama_cpp.py; without one it says why it is skipped.
if [ -e "${LLMNAS_DATA_DIR:-data}/llm/stories260K.gguf" ]; then
    say "llama.cpp server: $(tests/tools/llama_server.sh | tail -n 1 || true)"
fi

failed=0
skipped=0
reports=()
run_preset() {
    local preset=$1 start=$SECONDS report
    report=$PWD/build/$preset/junit.xml
    rm -f "$report"
    if ! build_preset "$preset"; then
        printf 'failed   build of %s\n' "$preset"
        failed=$((failed + 1))
        return
    fi
    say "$preset built in $((SECONDS - start)) s, testing"
    start=$SECONDS
    # What ctest thinks of it is in the report; without one it counts as failed.
    ctest --test-dir "build/$preset" "${tier[@]}" --parallel "$(jobs_here)" --timeout 600 --output-on-failure \
        --output-junit "$report" || true
    if [ -e "$report" ]; then reports+=("$report"); else failed=$((failed + 1)); fi
    say "$preset tested in $((SECONDS - start)) s"
}

run_preset gcc-dev
run_preset asan-ubsan
if command -v clang++ >/dev/null; then
    run_preset "$clang"
else
    say "skipped  $clang: clang++ is not installed (package clang)"
    skipped=$((skipped + 1))
fi
say "all in $SECONDS s"
/usr/bin/python3 tests/tools/summary.py "$failed" "$skipped" "${reports[@]}"
