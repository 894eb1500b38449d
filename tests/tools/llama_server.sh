#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Says where a llama.cpp server is, getting one from Debian where there is none: packages of a suite that has llama.cpp are
# unpacked into a folder, with the libraries that they need, and started by their own dynamic loader. Nothing is installed
# and no rights are needed. The last line of the output is the path of the program; exit code 77: none, and why.
set -euo pipefail

usage="usage: tests/tools/llama_server.sh [--present] [FOLDER]
  --present  gets nothing
  FOLDER     default build/llama.cpp
\$LLMNAS_LLAMA_SERVER or llama-server on PATH come first; \$LLMNAS_LLAMA_SUITE is the suite (default testing)."
root=$(cd "$(dirname "$0")/../.." && pwd)
present=0
folder=$root/build/llama.cpp
for argument in "$@"; do
    case $argument in
    --present) present=1 ;;
    -h | --help) echo "$usage" && exit 0 ;;
    -*) printf 'error: unknown argument %s\n%s\n' "$argument" "$usage" >&2 && exit 2 ;;
    *) folder=$(realpath -m "$argument") ;;
    esac
done
none() { printf 'no llama.cpp server: %s\n' "$*" && exit 77; }

if [ -n "${LLMNAS_LLAMA_SERVER:-}" ]; then
    [ -x "$LLMNAS_LLAMA_SERVER" ] || none "\$LLMNAS_LLAMA_SERVER is $LLMNAS_LLAMA_SERVER, which is no program"
    echo "$LLMNAS_LLAMA_SERVER" && exit 0
fi
# A copy whose folder was moved or is half there does not start: it is got again.
for found in "$(command -v llama-server || true)" "$folder/llama-server"; do
    if [ -x "$found" ] && "$found" --version >/dev/null 2>&1; then echo "$found" && exit 0; fi
done
[ "$present" = 0 ] || none "none on PATH, in \$LLMNAS_LLAMA_SERVER or in $folder (tests/tools/llama_server.sh gets one)"
command -v apt-get >/dev/null || none "this is no Debian; set \$LLMNAS_LLAMA_SERVER to one"

# An apt of its own: the machine's mirrors and keys, no list, package or cache of the machine touched.
suite=${LLMNAS_LLAMA_SUITE:-testing}
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
    awk '$1 ~ /debian$/ && $3 == "main" && $4 == "Packages" && !found++ { print $1 }' || true)
[ -n "$mirror" ] || none "the apt sources of this machine name no Debian mirror (component main)"
apt=$folder/apt
mkdir -p "$apt"/{lists/partial,cache/archives/partial,log}
: >"$apt/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$apt/sources.list"
private=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
    -o "Dir::State::status=$apt/status" -o "Dir::State::extended_states=$apt/extended_states" -o "Dir::Cache=$apt/cache"
    -o "Dir::Log=$apt/log" -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Retries=1
    -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 -o Acquire::Check-Valid-Until=false)
log=$folder/apt.log
step() { timeout 300 "$@" >>"$log" 2>&1 || none "$(grep -m1 '^[EW]:' "$log" || echo "$1 failed") (whole output: $log)"; }
: >"$log"
step apt-get "${private[@]}" update
step apt-get "${private[@]}" install --yes --no-install-recommends --download-only llama.cpp
rm -rf "$folder/unpacked"
mkdir -p "$folder/unpacked"
for package in "$apt"/cache/archives/*.deb; do step dpkg-deb -x "$package" "$folder/unpacked"; done
loader=$(find "$folder/unpacked" -path '*/ld-linux*' -name '*.so*' -print -quit)
server=$(find "$folder/unpacked/usr" -name llama-server -type f -perm -u+x -print -quit)
[ -n "$loader" ] && [ -n "$server" ] || none "the packages of $suite hold no llama-server"
libraries=$(find "$folder/unpacked/usr/lib" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
backends=$(find "$folder/unpacked/usr/lib" -name 'libggml-cpu*.so*' -printf '%h\n' -quit)
rm -rf "$apt/cache"
cat >"$folder/llama-server.new" <<END
#!/bin/sh
cd "$backends" && exec "$loader" --library-path "$libraries" "$server" "\$@"
END
chmod +x "$folder/llama-server.new"
"$folder/llama-server.new" --version >>"$log" 2>&1 || none "what the packages hold does not start (see $log)"
mv "$folder/llama-server.new" "$folder/llama-server"
echo "$folder/llama-server"
