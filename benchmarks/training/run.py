#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Training steps of LMaNet-Elite, images/s, beside the same step in Python torch.

    benchmarks/training/run.py PROGRAM [--data FOLDER] [--rounds 5] [--seconds 6] [--python /usr/bin/python3]

PROGRAM is benchmark_training_program. Each measurement is a process of its own on all cores; rounds of all of them take turns,
medians are printed. The network is read from reference_nets/ of the data folder (by default $LLMNAS_DATA_DIR or data/). The
limit beside them: 3 x 2 floating-point operations a MAC at the speed of a 2048 x 2048 product."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from calibration import calibration, processor

MACS_AT_160 = 81963264
TASKS = [(160, 32), (64, 128), (32, 128)]
PEERS = ["default", "channels_last", "compile"]
OURS = ["libtorch", "memory", "fused"]

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("program")
arguments.add_argument("--data", type=pathlib.Path, default=os.environ.get("LLMNAS_DATA_DIR") or "data")
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--seconds", type=float, default=6, help="of each measurement")
arguments.add_argument("--python", default="/usr/bin/python3")
options = arguments.parse_args()
network = pathlib.Path(options.data) / "reference_nets" / "LMaNet_elite.json"
if not network.exists():
    sys.exit(f"run.py: needs {network}")
version = subprocess.run([options.python, "-c", "import torch; print(torch.__version__, int(hasattr(torch, 'compile')))"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout.split()
peers = PEERS if version[1] == "1" else PEERS[:-1]


def rate(side, way, pixels, batch):
    if side == "ours":
        command = [options.program, str(pixels), str(batch), way, str(options.seconds)]
    else:
        command = [options.python, str(here / "peer.py"), str(network), str(pixels), str(batch), way, str(options.seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"run.py: {' '.join(command)}: {done.stderr}")
    return [float(v) for v in done.stdout.split()[-2:]]


hana, product = calibration()
print(f"{len(os.sched_getaffinity(0))} cores ({processor()}); <boost/hana.hpp> {hana:.2f} s, 2048 x 2048 product {product:.0f} "
      f"GFLOP/s; Python torch {version[0]}; images/s, median of {options.rounds} rounds in turn; MiB: peak of resident memory\n")
columns = [("peer", p) for p in peers] + [("ours", o) for o in OURS]
print("| | " + " | ".join(f"{'torch, ' if side == 'peer' else 'llmnas, '}{way}" for side, way in columns)
      + " | libtorch / best torch | fused / best torch | limit |\n|---|" + "---|" * (len(columns) + 3))
for size, images in TASKS:
    found = {c: [] for c in columns}
    for _ in range(options.rounds):
        for c in columns:
            found[c].append(rate(*c, size, images))
    speed = {c: statistics.median(r[0] for r in found[c]) for c in columns}
    memory = {c: max(r[1] for r in found[c]) for c in columns}
    best = max(speed["peer", p] for p in peers)
    limit = product * 1e9 / (6 * MACS_AT_160 * (size / 160) ** 2)
    print(f"| {size} px, batch {images} | " + " | ".join(f"{speed[c]:,.1f} ({memory[c]:,.0f} MiB)" for c in columns)
          + f" | {speed['ours', 'libtorch'] / best:.2f} | {speed['ours', 'fused'] / best:.2f} | {limit:,.0f} |", flush=True)
