#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Downloads CIFAR-100 or CIFAR-10 from its author's page, checks it and unpacks it. What was interrupted is continued; a
# folder appears only when it is complete.
set -euo pipefail

usage="usage: examples/download_data.sh [NAME] [DIR] [--url URL --sha256 SUM]
  NAME      cifar100 (default), cifar10, cifar100-python or cifar10-python: the binary or the Python version
  DIR       where to; default \$LLMNAS_DATA_DIR, else data
  --url     another place to download the archive from; --sha256 its checksum where it is another archive"
say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
bad_usage() { printf 'error: %s\n%s\n' "$*" "$usage" >&2; exit 2; }

url='' sum='' names=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) echo "$usage" && exit 0 ;;
    --url | --sha256)
        [ $# -ge 2 ] || bad_usage "$1 needs a value"
        if [ "$1" = --url ]; then url=$2; else sum=${2,,}; fi
        shift
        ;;
    -*) bad_usage "unknown argument $1" ;;
    *) names+=("$1") ;;
    esac
    shift
done
[ ${#names[@]} -le 2 ] || bad_usage "too many arguments"
name=${names[0]:-cifar100}
dir=${names[1]:-${LLMNAS_DATA_DIR:-data}}

case $name in
cifar100) archive=cifar-100-binary folder=cifar-100-binary
    published=58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec ;;
cifar10) archive=cifar-10-binary folder=cifar-10-batches-bin
    published=c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd ;;
cifar100-python) archive=cifar-100-python folder=cifar-100-python
    published=85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7 ;;
cifar10-python) archive=cifar-10-python folder=cifar-10-batches-py
    published=6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce ;;
*) bad_usage "unknown data set $name" ;;
esac
[ -n "$url" ] || url=https://www.cs.toronto.edu/~kriz/$archive.tar.gz
[ -n "$sum" ] || sum=$published
[[ $sum =~ ^[0-9a-f]{64}$ ]] || bad_usage "--sha256 $sum: not 64 hexadecimal digits"
case $url in
https://*) protocols='=https' ;;
http://*) protocols='=http,https' ;;  # only by --url; the checksum guards the contents
*) bad_usage "--url $url: neither https:// nor http://" ;;
esac

mkdir -p "$dir" || die "cannot make the directory $dir"
if [ -e "$dir/$folder" ]; then
    say "$dir/$folder is already there; delete it to download it again"
    exit 0
fi
part=$dir/$archive.tar.gz.part
exec 9>"$part.lock" || die "cannot write in $dir"
flock --nonblock 9 || die "another download of $name into $dir is running"
unpacked=''
clean_up() {
    [ -z "$unpacked" ] || rm -rf "$unpacked"
    rm -f "$part.lock"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

sum_of() { sha256sum "$1" | cut -d ' ' -f 1; }
# fetch: the rest of the archive behind what $part holds.
fetch() {
    if command -v curl >/dev/null; then
        curl --fail --location --proto "$protocols" --proto-redir "$protocols" --connect-timeout 20 --speed-limit 1000 \
            --speed-time 60 --retry 3 --continue-at - --output "$part" "$url"
    elif command -v wget >/dev/null; then
        local only=()
        [ "$protocols" != =https ] || only=(--https-only)
        wget "${only[@]}" --timeout 60 --tries 4 --continue --output-document "$part" "$url"
    else
        die "neither curl nor wget is installed: apt-get install curl"
    fi
}

# What an earlier run left may be complete, begin the archive, or be of another one: then all of it is fetched again.
if [ -s "$part" ] && [ "$(sum_of "$part")" != "$sum" ]; then
    say "continuing behind $(stat -c %s "$part") bytes of an earlier download"
    fetch || true
    if [ "$(sum_of "$part")" != "$sum" ]; then
        say "the earlier download cannot be continued, starting anew"
        rm -f "$part"
    fi
fi
if [ ! -s "$part" ]; then
    say "downloading $url"
    fetch || die "cannot download $url; the same command continues"
    found=$(sum_of "$part")
    if [ "$found" != "$sum" ]; then
        rm -f "$part"
        die "$url: wrong checksum, deleted (got $found, wanted $sum)"
    fi
fi

say "unpacking into $dir/$folder"
unpacked=$(mktemp -d "$dir/.unpacking-XXXXXX")
tar --extract --gzip --no-same-owner --directory "$unpacked" --file "$part" || die "cannot unpack $part"
[ -d "$unpacked/$folder" ] || die "$url: the archive holds no folder $folder"
mv -T "$unpacked/$folder" "$dir/$folder"
rm -f "$part"
say "done: llmnas search --data $dir --dataset ${name%-python}"
