#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes a minimal Debian of a suite in a folder, puts a clean clone of HEAD in it and runs both commands there, as a user on
# a fresh machine would. Needs root and debootstrap.
set -euo pipefail

usage="usage: tests/distro.sh SUITE [FOLDER] [-- COMMAND...]
  SUITE    bookworm, trixie, forky, ...
  FOLDER   default build/distro/SUITE; kept, so that a second run starts from it (delete it for a run from nothing)
  COMMAND  run instead of examples/quickstart.sh and tests/run.sh, in the clone"
[ $# -ge 1 ] && [ "$1" != --help ] || { echo "$usage"; exit 2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
say() { printf '== %s\n' "$*"; }

root=$(cd "$(dirname "$0")/.." && pwd)
suite=$1
shift
folder=$root/build/distro/$suite
if [ $# -gt 0 ] && [ "$1" != -- ]; then
    folder=$(realpath -m "$1")
    shift
fi
[ "${1:-}" != -- ] || shift
[ "$(id -u)" = 0 ] || die "making a Debian in a folder needs root"
command -v debootstrap >/dev/null || die "debootstrap is not installed: apt-get install debootstrap"
[ "$folder" != / ] || die "not into /"

# Where this machine gets Debian from.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
    awk '$1 ~ /debian$/ && $3 == "main" && $4 == "Packages" { print $1; exit }')
[ -n "$mirror" ] || die "the apt sources of this machine name no Debian mirror (component main)"

if [ ! -e "$folder/.complete" ]; then
    say "debootstrap $suite into $folder"
    script=/usr/share/debootstrap/scripts/$suite
    [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid  # a suite younger than this debootstrap
    mkdir -p "$folder"
    debootstrap --variant=minbase "$suite" "$folder" "$mirror" "$script" >"$folder.log" 2>&1 ||
        { tail -n 5 "$folder.log" >&2; die "debootstrap failed (its whole output: $folder.log)"; }
    # The way to the network: name servers, hosts, apt's proxy. Release files of a frozen mirror may be past their date.
    cp /etc/hosts /etc/resolv.conf "$folder/etc/"
    apt-config dump | grep -iE '^Acquire::(http|https|ftp)::' >"$folder/etc/apt/apt.conf.d/90host" || true
    echo 'Acquire::Check-Valid-Until "false";' >>"$folder/etc/apt/apt.conf.d/90host"
    touch "$folder/.complete"
fi

# Mounts go before anything is deleted, whatever ends the script.
mounted=()
unmount() {
    local i
    for ((i = ${#mounted[@]} - 1; i >= 0; --i)); do umount "${mounted[i]}" || umount --lazy "${mounted[i]}"; done
    mounted=()
}
trap unmount EXIT
trap 'exit 130' INT TERM
bind() {  # bind SOURCE FOLDER [OPTIONS]
    mkdir -p "$2"
    mount --bind "$1" "$2"
    mounted+=("$2")
    [ -z "${3:-}" ] || mount -o "remount,bind,$3" "$2"
}
bind /proc "$folder/proc"
bind /dev "$folder/dev"
if [ -d "$root/../shared" ]; then bind "$root/../shared" "$folder/srv/shared" ro; fi

clone=$folder/srv/llmnas
if [ -d "$clone/.git" ]; then  # keep its build folder
    git -C "$clone" fetch --quiet "$root" HEAD
    git -C "$clone" checkout --quiet --force --detach FETCH_HEAD
    git -C "$clone" clean -fdq
else
    git clone --quiet "$root" "$clone"
fi

run() {
    local start=$SECONDS
    say "$suite: $*"
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" ${CI:+CI="$CI"} \
        chroot "$folder" /bin/sh -c 'cd /srv/llmnas && exec "$@"' sh "$@" </dev/null
    say "$suite: $* passed in $((SECONDS - start)) s"
}
if [ $# -gt 0 ]; then
    run "$@"
else
    run examples/quickstart.sh
    run tests/run.sh
fi
