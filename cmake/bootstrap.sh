# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by examples/quickstart.sh and tests/run.sh: from a bare Debian (12, 13) to a finished build. Every step is skipped
# where its result is current.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

say() { printf '== %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# What the library and its program need.
LLMNAS_PACKAGES=(g++ cmake ninja-build pkgconf python3 libboost-dev libfmt-dev nlohmann-json3-dev libexpected-dev
    libcpp-httplib-dev libssl-dev libpng-dev libjpeg-dev libcli11-dev libopenblas0-pthread libtorch-dev)
# libopenblas0-pthread is no build dependency, but without it libtorch computes on the reference BLAS, 30 times slower.

# Data that lies beside the repository is used, unless the user says where else it is.
if [ -z "${LLMNAS_DATA_DIR:-}" ] && [ -d ../shared/data ]; then
    LLMNAS_DATA_DIR=$(cd ../shared/data && pwd)
    export LLMNAS_DATA_DIR
fi

# A libtorch of the user's own, in the places where cmake/llmnas-torch.cmake looks first?
have_own_torch() {
    local prefix environment
    [ -n "${Torch_DIR:-}" ] && return 0
    IFS=: read -ra prefix <<<"${CMAKE_PREFIX_PATH:-}"
    for prefix in "${prefix[@]}"; do
        [ -e "$prefix/share/cmake/Torch/TorchConfig.cmake" ] || [ -e "$prefix/Torch/TorchConfig.cmake" ] && return 0
    done
    for environment in "${VIRTUAL_ENV:-}" "${CONDA_PREFIX:-}"; do
        if [ -x "$environment/bin/python" ]; then
            "$environment/bin/python" cmake/llmnas-torch.py >/dev/null 2>&1 && return 0
        fi
    done
    return 1
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
has_candidate() { [[ "$(LC_ALL=C apt-cache policy "$1" 2>/dev/null)" == *"Candidate: "[^\(]* ]]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages REQUIRED... -- OPTIONAL...: installs what is missing; an optional one that apt does not have is left out.
install_packages() {
    local package required=1 missing=() wanted=()
    for package in "$@"; do
        if [ "$package" = -- ]; then
            required=0
        elif [ "$package" = libtorch-dev ] && have_own_torch; then
            say "using the libtorch that you have, not apt's"
        elif ! is_installed "$package"; then
            if [ $required = 1 ]; then missing+=("$package"); else wanted+=("$package"); fi
        fi
    done
    [ ${#missing[@]} -gt 0 ] || [ ${#wanted[@]} -gt 0 ] || return 0
    if [ "${LLMNAS_NO_INSTALL:-0}" != 0 ]; then
        say "not installing (LLMNAS_NO_INSTALL): ${missing[*]} ${wanted[*]}"
        return 0
    fi

    local why="${missing[*]:-}"
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        die "this script installs with apt-get, which is not here; install what these Debian packages hold and set LLMNAS_NO_INSTALL=1: $why"
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        [ ${#missing[@]} -gt 0 ] || return 0
        die "packages are missing and this is neither root nor is there sudo; as root: apt-get install --no-install-recommends $why"
    fi

    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    # Lists are refreshed for what must be there; for the optional ones only where there are none at all.
    if [ ${#missing[@]} -gt 0 ] || [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -print -quit)" ]; then
        say "apt-get update"
        as_root "${apt[@]}" update >/dev/null || say "apt-get update had errors, see whether it matters"
    fi
    for package in "${missing[@]}"; do
        has_candidate "$package" ||
            die "apt has no package $package: check the network and the apt sources (Debian 12 or 13, component main), then start again"
    done
    for package in "${wanted[@]}"; do
        if has_candidate "$package"; then missing+=("$package"); fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    local log
    log=$(mktemp)
    say "apt-get install ${missing[*]}"
    if ! as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        die "apt-get install failed (its whole output: $log): check the network and the disk, then start again"
    fi
    rm -f "$log"
}

# A translation unit with torch takes up to 1.5 GB.
jobs_here() {
    local memory
    memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
    if [ "$(nproc)" -lt 2 ] || [ "${memory:-0}" -lt 4000 ]; then echo 1; else echo 2; fi
}

# build_preset PRESET [TARGET...]: configures where needed, then builds what is not current. A log shows only on failure.
build_preset() {
    local preset=$1 stamp=build/$1/configured log=build/$1/configure.log
    shift
    mkdir -p "build/$preset"
    # Ninja configures again by itself when a CMakeLists.txt changes; it does not know the presets.
    if [ ! -e "$stamp" ] || [ ! -e "build/$preset/build.ninja" ] || [ CMakePresets.json -nt "$stamp" ]; then
        say "configuring $preset"
        if ! cmake --preset "$preset" >"$log" 2>&1; then
            cat "$log" >&2
            printf 'error: cannot configure %s, see above\n' "$preset" >&2
            return 1
        fi
        touch "$stamp"
    fi
    say "building $preset"
    cmake --build "build/$preset" --parallel "$(jobs_here)" ${1:+--target "$@"} -- -k 0  # show every error at once
}
