#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks a second of LMaNet-Elite on one core: ours from the architecture struct and from JSON text, beside a hooked
forward pass of PyTorch in the same run. Prints one table with ratios; asserts nothing but that both count the same.

    benchmarks/run_time/run.py PROGRAM [--data FOLDER] [--repetitions 5] [--instructions]

PROGRAM is benchmark_run_time_program. The published JSON is read from reference_nets/ of the data folder (by default
$LLMNAS_DATA_DIR or data/); where it is missing, the same network as llmnas writes it. --instructions adds the
instructions of each check, counted by valgrind: a number without noise.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from calibration import processor

ELITE = {"macs": 81963264, "parameters": 497997}
GROUPS = {"part": "parts", "model": "one memory model, of a lowered network",
          "check": "full check from the architecture struct: lowering, MACs, parameters, flash and SRAM by",
          "text": "from JSON text"}

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("program")
arguments.add_argument("--data", default=os.environ.get("LLMNAS_DATA_DIR") or "data")
arguments.add_argument("--repetitions", type=int, default=5)
arguments.add_argument("--instructions", action="store_true")
options = arguments.parse_args()
here = pathlib.Path(__file__).resolve().parent
published = pathlib.Path(options.data) / "reference_nets" / "LMaNet_elite.json"
command = [options.program, *([f"--json={published}"] if published.exists() else [])]


def measure():
    """Median checks a second by name."""
    # Interleaved, so that a busy moment of the machine touches all alike.
    flags = ["--benchmark_format=json", "--benchmark_min_time=0.1", f"--benchmark_repetitions={options.repetitions}",
             "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true"]
    report = json.loads(subprocess.run([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       check=True).stdout)
    rates = {b["run_name"]: b["items_per_second"] for b in report["benchmarks"] if b["aggregate_name"] == "median"}
    names = subprocess.run([*command, "--benchmark_list_tests"], capture_output=True, text=True, check=True).stdout
    return {name: rates[name] for name in names.splitlines()}


def instructions(name):
    """Of one check: the difference of two runs of different length."""
    counts = []
    pattern = re.sub(r"[^\w/ ]", lambda c: f"[{c.group()}]", name)
    for iterations in (20, 120):
        with tempfile.NamedTemporaryFile() as out:
            subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", *command,
                            f"--iterations={iterations}", f"--benchmark_filter=^{pattern}/iterations"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            counts.append(int(re.search(r"^(?:summary|totals): (\d+)", out.read().decode(), re.MULTILINE).group(1)))
    return (counts[1] - counts[0]) // 100


def hooked():
    """The other side, or why it is not here."""
    text = published.read_text() if published.exists() else subprocess.run(
        [*command, "--print"], capture_output=True, text=True, check=True).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        for python in dict.fromkeys((os.environ.get("LLMNAS_PYTHON") or "python3", "/usr/bin/python3")):
            found = subprocess.run([python, here / "hooked_forward.py", file.name], capture_output=True, text=True,
                                   env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
            if found.returncode == 0:
                return json.loads(found.stdout), None
    return None, "PyTorch was not measured: no python imports torch (Debian: python3-torch; LLMNAS_PYTHON names another)."


rates = measure()
peer, why_not = hooked()
if peer and any(peer[name] != value for name, value in ELITE.items()):
    sys.exit(f"run.py: torch counts {peer}, llmnas {ELITE}")

print(f"LMaNet-Elite at 160x160, one core of {os.cpu_count()} ({processor()}), "
      f"CPU time, median of {options.repetitions}")
width = max(map(len, rates)) - 4
heads = f"{'':{width}} {'checks/s':>12} {'ns':>9}" + (f" {'instr.':>8}" if options.instructions else "")
print(heads + (f" {'/ PyTorch':>10}" if peer else ""))
if peer:
    print(f"PyTorch {peer['torch']}, one thread: hooked forward pass")
    for name, key in (("  module built and run", "build_and_forward"), ("  module run", "forward")):
        print(f"{name:{width}} {peer[key]:12,.0f} {1e9 / peer[key]:9,.0f}"
              + (f" {'':8}" if options.instructions else "") + f" {peer[key] / peer['build_and_forward']:10,.1f}")
for group, title in GROUPS.items():
    print(title)
    for name, value in rates.items():
        if not name.startswith(group + "/"):
            continue
        # A part or a model alone is no check.
        ratio = f" {value / peer['build_and_forward']:10,.0f}" if peer and group in ("check", "text") else ""
        count = f" {instructions(name):8,}" if options.instructions else ""
        print(f"  {name[len(group) + 1:]:{width - 2}} {value:12,.0f} {1e9 / value:9,.0f}{count}{ratio}")
if why_not:
    print(why_not)
lowering, copying = (rates[f"part/{name}"] for name in ("lowering", "copying the operators of a lowered network"))
print(f"Limits: a lowering must at least write its operators, which takes {1e9 / copying:,.0f} ns from cache "
      f"({lowering / copying:.0%} of that speed); reading text through nlohmann's SAX cannot beat its events alone.")
