#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# label: long
"""A search of 12 candidates on real CIFAR-100 (about ten minutes on 2 cores): a front, and accuracies above chance."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PROGRAM = os.environ["LLMNAS_PROGRAM"]
DATA = pathlib.Path(os.environ.get("LLMNAS_DATA_DIR") or "data")


def main():
    if not (DATA / "cifar100/train.bin").exists():
        print(f"LLMNAS_SKIP: no cifar100/train.bin in {DATA}")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [PROGRAM, "search", "--data", str(DATA), "--out", folder, "--trials", "12", "--resolution", "32", "--images", "5000",
             "--epochs", "5", "--batch", "32", "--recipe", "quick", "--proposer", "evolution", "--seed", "0"],
            capture_output=True, text=True, check=True)
        print(done.stdout)
        results = json.loads((pathlib.Path(folder) / "results.json").read_text())
    accuracies = [trial["training"]["accuracy"] for trial in results["trials"]]
    chance = 0.01  # 100 classes of 50 validation images each; the standard error of chance is 0.0014
    print(f"accuracy: worst {min(accuracies):.4f}, median {statistics.median(accuracies):.4f}, best {max(accuracies):.4f}; "
          f"chance {chance}")
    assert len(accuracies) == 12 and results["front"]
    assert min(accuracies) > chance + 3 * 0.0014, accuracies
    return 0


if __name__ == "__main__":
    sys.exit(main())
