#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compiler CPU of the light headers, of every memory model of one network, and of 1 and 20 networks of 5 to 64 stages,
beside all of Boost.Hana in the same run (the calibration: 0.3-0.4 s on the machines that docs and issues quote) and an
empty file. Prints the median of several runs and ratios; asserts nothing (tests/tools/instantiations.py does, on counts).

    benchmarks/compile_time/run.py [--compiler g++] [--runs 5]
"""
import argparse
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile

here = pathlib.Path(__file__).resolve().parent


def networks(stages, count):
    """`count` different networks of `stages` stages, each judged for a microcontroller."""
    text = "#include <llmnas/static.hpp>\nusing namespace llmnas;\n"
    for number in range(count):
        blocks = ", ".join(f"{{.output_channels = {8 + (number + stage) % 24}, .kernel_size = {3 + 2 * (stage % 3)},"
                           f" .stride = {2 if stage in (0, 2, 4) else 1}}}" for stage in range(stages))
        text += (f"constexpr architecture<{stages}> net_{number}{{.input = {{3, 96, 96}}, .classes = 10, .stages = {{"
                 f"{blocks}}}}};\nstatic_assert(check_fits<network<net_{number}>, mcu::stm32h743>());\n")
    return text


CASES = {
    "empty file": "int main() {}\n",
    "<boost/hana.hpp>": "#include <boost/hana.hpp>\n",
    "<llmnas/static.hpp>": "#include <llmnas/static.hpp>\n",
    "<llmnas/static.hpp> + Elite": (here / "elite.cpp").read_text(),
    "Elite, all memory models": (here / "all_models.cpp").read_text(),
    **{f"{stages} stages x {count} networks": networks(stages, count) for stages in (5, 16, 32, 64) for count in (1, 20)},
}
MODES = {"plain": [], "-fno-exceptions -fno-rtti": ["-fno-exceptions", "-fno-rtti"]}

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--compiler", default="g++")
arguments.add_argument("--runs", type=int, default=5)
options = arguments.parse_args()


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
        files[name] = pathlib.Path(folder) / f"{number}.cpp"
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
