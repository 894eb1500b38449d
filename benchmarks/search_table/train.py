#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains every network of the subspace once and makes the table of search_table: accuracy behind each epoch.

    train.py PROGRAM LLMNAS OUT --epochs 27 [--only N] [-- FLAGS OF llmnas train]

PROGRAM is benchmark_search_table_program, LLMNAS the program llmnas. A rung of MO-ASHA is a training of --epochs cut short, so
that one training a network has all rungs in its curve. The same command continues: finished networks are left alone, a
training goes on from its checkpoint, and OUT/table.csv holds the finished ones. Several of these may share the work with
--part K/N, each on networks of its own; run without it at last, to make the table.
"""
import argparse
import csv
import pathlib
import shutil
import subprocess
import sys


def finished(folder, epochs):
    """Accuracy by epoch of a training that has ended, else nothing."""
    curve = folder / "curve.csv"
    if not (folder / "weights.safetensors").exists() or not curve.exists():
        return None
    rows = list(csv.DictReader(curve.open()))
    if [int(row["epoch"]) for row in rows] != list(range(1, epochs + 1)):
        sys.exit(f"{curve}: epochs of another training (got {len(rows)}, wanted {epochs})")
    return [row["top1"] for row in rows]


def main():
    ours, theirs = sys.argv[1:], []
    if "--" in ours:
        ours, theirs = ours[: ours.index("--")], ours[ours.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("llmnas")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--only", type=int, help="trains so many networks at most")
    parser.add_argument("--part", default="0/1", help="K/N: networks whose number is K modulo N")
    options = parser.parse_args(ours)
    part, parts = map(int, options.part.split("/"))

    networks = options.out / "networks"
    subprocess.run([options.program, "list", networks], check=True)
    index = list(csv.DictReader((networks / "networks.csv").open()))
    trained = 0
    for row in index:
        number = int(row["network"])
        folder = options.out / f"{number:03}"
        if number % parts != part or finished(folder, options.epochs) is not None:
            continue
        if options.only is not None and trained >= options.only:
            break
        command = [options.llmnas, "train", networks / f"{number:03}.json", "--out", folder, "--resume", "--epochs",
                   str(options.epochs), *theirs]
        done = subprocess.run(command)
        if done.returncode != 0:
            sys.exit(f"network {number}: llmnas train ended with {done.returncode}; the same command continues")
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
        trained += 1

    complete = 0
    temporary = options.out / f"table.csv.{part}.tmp"
    with temporary.open("w") as table:
        table.write("network,hash,epoch,top1\n")
        for row in index:
            curve = finished(options.out / f"{int(row['network']):03}", options.epochs)
            if curve is None:
                continue
            complete += 1
            for epoch, top1 in enumerate(curve, start=1):
                table.write(f"{row['network']},{row['hash']},{epoch},{top1}\n")
    shutil.move(temporary, options.out / "table.csv")
    print(f"{complete} of {len(index)} networks in {options.out / 'table.csv'}")


if __name__ == "__main__":
    main()
