#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# label: long
"""Four workers on one study: 200 kills at random moments, and 1,000 trials without any.

The second prints the table of benchmarks/results/study_workers.md.
"""
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.study_workers import Workers, check, kill_test  # noqa: E402

TRIALS = 1000


def throughput(count, milliseconds, in_process):
    """A line of the table."""
    with tempfile.TemporaryDirectory() as directory:
        begin = time.monotonic()
        workers = Workers(directory, count, {"trials": TRIALS, "milliseconds": milliseconds, "in_process": in_process})
        workers.wait()
        seconds = time.monotonic() - begin
        check(workers, TRIALS)
        waits = [line for line in workers.lines() if "locks" in line]
    locks, waited = sum(w["locks"] for w in waits), sum(w["waited"] for w in waits)
    where = "the worker's" if in_process else "a process each"
    print(f"| {count} | {milliseconds} ms in {where} | {TRIALS} | {TRIALS / seconds:.0f} | "
          f"{TRIALS * milliseconds / 1000 / (count * seconds):.0%} | {locks} | {1000 * waited / locks:.2f} ms | "
          f"{1000 * max(w['longest'] for w in waits):.0f} ms | {waited / (count * seconds):.1%} |", flush=True)


def main():
    with tempfile.TemporaryDirectory() as directory:
        kill_test(directory, kills=200, trials=1000, pause=0.08, seed=7)
    print("\n| workers | a training | trials, each once | trials/s | of it asleep | locks | mean wait | longest | "
          "of all time |\n|---|---|---|---|---|---|---|---|---|")
    for count in (1, 4):
        throughput(count, 20, in_process=False)
    for count in (1, 4):
        throughput(count, 20, in_process=True)
    throughput(4, 200, in_process=False)


if __name__ == "__main__":
    sys.exit(main())
