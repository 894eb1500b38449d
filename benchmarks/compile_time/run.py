#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compiler CPU of the light headers, beside all of Boost.Hana in the same run (the calibration: 0.3-0.4 s on the machines
that docs and issues quote) and an empty file. Prints the median of several runs and ratios; asserts nothing.

    benchmarks/compile_time/run.py [--compiler g++] [--runs 5]
"""
import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile

CASES = {
    "empty file": "int main() {}\n",
    "<boost/hana.hpp>": "#include <boost/hana.hpp>\n",
    "<llmnas/static.hpp>": "#include <llmnas/static.hpp>\n",
    "<llmnas/static.hpp> + Elite": None,  # elite.cpp
}
MODES = {"plain": [], "-fno-exceptions -fno-rtti": ["-fno-exceptions", "-fno-rtti"]}

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--compiler", default="g++")
arguments.add_argument("--runs", type=int, default=5)
options = arguments.parse_args()
here = pathlib.Path(__file__).resolve().parent


def cpu_seconds(file, flags):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([options.compiler, "-std=c++20", "-fsyntax-only", "-w", "-I", here.parent.parent / "include", *flags,
                    file], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


version = subprocess.run([options.compiler, "--version"], capture_output=True, text=True, check=True).stdout
print(f"{version.splitlines()[0]}, {os.cpu_count()} cores, CPU seconds of -fsyntax-only, median of {options.runs}")
print(f"{'file':30} {'mode':26} {'seconds':>8} {'/ Hana':>8} {'/ empty':>8}")
with tempfile.TemporaryDirectory() as folder:
    files = {}
    for number, (name, text) in enumerate(CASES.items()):
        files[name] = here / "elite.cpp" if text is None else pathlib.Path(folder) / f"{number}.cpp"
        if text is not None:
            files[name].write_text(text)
    for mode, flags in MODES.items():
        # In turns, so that a busy moment of the machine touches all alike.
        times = {name: [] for name in files}
        for _ in range(options.runs):
            for name, file in files.items():
                times[name].append(cpu_seconds(file, flags))
        median = {name: statistics.median(values) for name, values in times.items()}
        for name, value in median.items():
            print(f"{name:30} {mode:26} {value:8.3f} {value / median['<boost/hana.hpp>']:8.2f}"
                  f" {value / median['empty file']:8.2f}")
