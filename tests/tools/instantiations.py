# SPDX-License-Identifier: MIT
"""Compile time as counts: template instantiations of the light headers, from clang's time trace, and the steps of the
longest constant expression, a fifth of what clang allows without flags.

    instantiations.py SOURCE_DIR [--update]

Counts do not depend on the machine. A count over its limit fails and says by how much; a limit is the count of the day it
was set and a tenth. --update prints the lines to write here. Exits 77 without clang 14.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIMITS = {
    "elite": 5397,
    "all_models": 5384,
}
CONSTEXPR_STEPS = 200_000
EVENTS = ("InstantiateClass", "InstantiateFunction")

root = pathlib.Path(sys.argv[1])
compiler = shutil.which("clang++-14")
if not compiler:
    print("SKIPPED: no clang++-14, whose counts the limits are")
    sys.exit(77)
failed = False
with tempfile.TemporaryDirectory() as folder:
    for name in ("elite", "all_models"):
        target = pathlib.Path(folder) / f"{name}.o"
        subprocess.run([compiler, "-std=c++20", "-O0", "-c", "-w", "-ftime-trace", "-ftime-trace-granularity=0",
                        f"-fconstexpr-steps={CONSTEXPR_STEPS}", "-I", root / "include",
                        root / "benchmarks/compile_time" / f"{name}.cpp", "-o", target], check=True)
        trace = json.loads(target.with_suffix(".json").read_text())["traceEvents"]
        count = sum(event["name"] in EVENTS for event in trace)
        limit = LIMITS.get(name, 0)
        if sys.argv[2:] == ["--update"]:
            print(f'    "{name}": {(count * 11 + 9) // 10},')
            continue
        print(f"{name}: {count} instantiations, limit {limit}")
        if count > limit:
            print(f"FAILED: {count - limit} more than the limit; see what was added to the light headers")
            failed = True
sys.exit(1 if failed else 0)
