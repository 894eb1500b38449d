#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From nothing to a searched network: installs what is missing, builds the program llmnas, searches for up to 5 minutes and
# compiles the header of the winner. Arguments go to `llmnas search`.
set -euo pipefail

# shellcheck source=../cmake/bootstrap.sh
source "$(dirname "$0")/../cmake/bootstrap.sh"
# A search that was cut short is continued; behind a finished one a new directory begins.
results=quickstart-results
for ((n = 2; ; ++n)); do
    [ -e "$results/finished" ] || break
    results=quickstart-results-$n
done

install_packages "${LLMNAS_PACKAGES[@]}"
start=$SECONDS
build_preset release llmnas_program
say "built in $((SECONDS - start)) s"

say "searching (up to 5 minutes on 2 cores); data: ${LLMNAS_DATA_DIR:-./data}"
timeout --kill-after=20 360 build/release/llmnas search --quick --out "$results" "$@" ||
    die "the search ended with exit code $?; its message stands above"

# The header says in static_asserts what the network costs: that it compiles is the proof.
say "compiling $results/winner.hpp"
printf '#include "winner.hpp"\nint main() {}\n' >"$results/winner_check.cpp"
g++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I include -I "$results" "$results/winner_check.cpp"
rm "$results/winner_check.cpp"

touch "$results/finished"
say "done: the static_asserts of $results/winner.hpp hold. Results in $results/:"
ls -l "$results"
