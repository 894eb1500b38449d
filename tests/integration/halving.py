#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# label: long
"""llmnas search --halving on generated data: rungs, continuation after kill -9, Optuna, and what is refused."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.optuna_study import load_study  # noqa: E402

PROGRAM = os.environ["LLMNAS_PROGRAM"]
TRIALS = 14
COMMON = ["--proposer", "nsga2", "--seed", "4", "--dataset", "generated", "--resolution", "32", "--images", "200", "--epochs",
          "4", "--batch", "50", "--validation-images", "100", "--recipe", "quick", "--threads", "1"]
# Rung 1 is of another resolution, rung 2 the first half of the full training.
HALVING = ["--halving", "2", "--rungs", "1@16/100", "2"]
EPOCHS = [1, 2, 4]


def command(out, *flags):
    return [PROGRAM, "search", "--out", str(out), "--trials", str(TRIALS), *COMMON, *(flags or HALVING)]


def search(out):
    done = subprocess.run(command(out), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    return json.loads((out / "results.json").read_text())


def refused(out, pattern, *flags):
    done = subprocess.run(command(out, *flags), capture_output=True, text=True, timeout=100)
    assert done.returncode == 2 and re.search(pattern, done.stderr), f"{flags}: {done.returncode} {done.stderr}"


def essence(results):
    """What must be equal between runs: everything but times."""
    for trial in results["trials"]:
        for key in ("seconds", "images_per_second"):
            trial["training"].pop(key)
    return results


def check_rungs(results):
    trials = results["trials"]
    assert len(trials) == TRIALS
    counts = [sum(t["rung"]["number"] == r for t in trials) for r in range(3)]
    assert counts[1] >= counts[0] // 2 - 1 and counts[2] >= 1, counts
    for trial in trials:
        rung = trial["rung"]
        assert trial["training"]["epochs"] == EPOCHS[rung["number"]], trial
        assert trial["state"] == ("complete" if rung["number"] == 2 else "pruned"), trial
        assert trial["fidelity"]["resolution"] == (16 if rung["number"] == 0 else 32)
        if "promoted_from" in rung:
            below = trials[rung["promoted_from"]]
            assert below["network"] == trial["network"] and below["seed"] == trial["seed"]
            assert below["rung"]["number"] + 1 == rung["number"]
    assert results["front"] and all(trials[n]["rung"]["number"] == 2 for n in results["front"])
    return counts


def kill_and_continue(out, reference, pauses):
    for pause in pauses:
        process = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=pause)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    time.sleep(0.2)
    assert essence(search(out)) == reference, "a killed and continued search differs from an uninterrupted one"


def check_study_commands(out, counts):
    shown = json.loads(subprocess.check_output([PROGRAM, "study", "show", str(out), "--json"], text=True))
    assert shown["search"] == "nsga2 with MO-ASHA", shown
    assert shown["states"]["pruned"] == counts[0] + counts[1] and shown["states"]["complete"] == counts[2], shown
    # Rung 3 goes on from the checkpoint of rung 2, rung 2 starts anew.
    assert shown["epochs"] == counts[0] + 2 * counts[1] + 2 * counts[2], (shown["epochs"], counts)


def check_optuna(out, results):
    study = load_study(out)
    if study is None:
        return
    assert [t.state.name.lower() for t in study.trials] == [t["state"] for t in results["trials"]]
    for trial, ours in zip(study.trials, results["trials"]):
        assert trial.values == [ours["training"]["accuracy"], ours["macs"], ours["params"]], (trial.values, ours)
        assert trial.user_attrs["rung"] == ours["rung"]
        assert sorted(trial.intermediate_values) == list(range(1, ours["training"]["epochs"] + 1))
    assert sorted(t.number for t in study.best_trials) == results["front"]
    print("Optuna: the same states, values, epochs and front")


def main():
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = pathlib.Path(folder) / "whole", pathlib.Path(folder) / "killed"
        reference = essence(search(whole))
        counts = check_rungs(reference)
        print("trials by rung:", *counts)
        kill_and_continue(killed, reference, (2.1, 3.3, 4.7))
        check_study_commands(whole, counts)
        check_optuna(whole, reference)
        refused(whole, r"journal.log, halving.reduction: .* \(got 2, wanted 3\)", "--halving", "3", "--rungs", "1@16/100", "2")
        refused(whole, "--rungs: not a rung .got 1@, wanted", "--halving", "2", "--rungs", "1@")
        refused(whole, "rung 1: a rung that is no less than the next .got 4 epochs", "--halving", "2", "--rungs", "4")
        refused(whole, "--rungs requires --halving", "--rungs", "2")


if __name__ == "__main__":
    sys.exit(main())
