#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A search from the command line, on CIFAR-100 where it is there: its files, its continuation after kill -9, and Optuna."""
import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.optuna_study import load_study  # noqa: E402

PROGRAM = os.environ["LLMNAS_PROGRAM"]
TRIALS = 4
SMALL = ["--resolution", "32", "--images", "400", "--epochs", "2", "--batch", "50", "--validation-images", "200",
         "--recipe", "quick", "--proposer", "evolution", "--seed", "3", "--threads", "1"]


def command(out, trials=TRIALS):
    return [PROGRAM, "search", "--out", str(out), "--trials", str(trials), *SMALL]


def search(out, trials=TRIALS):
    done = subprocess.run(command(out, trials), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    return done


def essence(out):
    """What must be equal between runs: everything but times."""
    results = json.loads((out / "results.json").read_text())
    for trial in results["trials"]:
        for key in ("seconds", "images_per_second"):
            trial["training"].pop(key)
    return results


def check_files(out, done):
    results = json.loads((out / "results.json").read_text())
    assert len(results["trials"]) == TRIALS and results["front"], results
    rows = list(csv.DictReader((out / "results.csv").open()))
    for row, trial in zip(rows, results["trials"]):
        assert int(row["macs"]) == trial["macs"] and float(row["accuracy"]) == trial["training"]["accuracy"]
        assert 70_000_000 <= trial["macs"] <= 350_000_000 and trial["sram_bytes"] <= 327_680, trial
    assert "Pareto front" in done.stdout and "Best network within the limits" in done.stdout, done.stdout
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "winner.cpp"
        source.write_text(f'#include "{(out / "winner.hpp").resolve()}"\nint main() {{}}\n')
        subprocess.run(["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", "include", str(source)],
                       check=True)


def kill_and_continue(out, reference):
    """Killed at random moments, also between two trials; the result is that of the uninterrupted run."""
    moments = random.Random(1)
    kills = 0
    while kills < 3:
        process = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=moments.uniform(1.0, 8.0))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills > 0, "the search was never killed"
    time.sleep(0.2)
    done = search(out)
    assert "continuing the study" in done.stderr, done.stderr
    assert essence(out) == reference, "a killed and continued search differs from an uninterrupted one"
    return kills


def check_optuna(out):
    study = load_study(out)
    if study is None:
        return
    results = json.loads((out / "results.json").read_text())
    assert len(study.trials) == TRIALS
    for trial, ours in zip(study.trials, results["trials"]):
        assert trial.number == ours["number"] and trial.state.is_finished()
        assert trial.values == [ours["training"]["accuracy"], ours["macs"], ours["params"]], (trial.values, ours)
        assert trial.intermediate_values[2] == ours["training"]["accuracy"]
        assert trial.duration.total_seconds() > 0
        for number, block in enumerate(ours["network"]["blocks"], start=1):
            for field, value in block.items():
                if field == "se_ratio" and not block["use_se"]:
                    assert f"stage{number}.se_ratio" not in trial.params
                else:
                    assert trial.params[f"stage{number}.{field}"] == value, (number, field)
    assert sorted(t.number for t in study.best_trials) == results["front"]
    print("Optuna: the same trials, values, parameters and front")


def main():
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = pathlib.Path(folder) / "whole", pathlib.Path(folder) / "killed"
        check_files(whole, search(whole))
        reference = essence(whole)
        print(f"killed {kill_and_continue(killed, reference)} times, continued to the same result")
        check_optuna(killed)


if __name__ == "__main__":
    sys.exit(main())
