# SPDX-License-Identifier: MIT
"""What the machine of a measurement is."""
import os
import re
import resource
import subprocess
import tempfile
import time


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found.group(1) if found else "unknown"


def calibration():
    """CPU seconds in which the compiler reads <boost/hana.hpp>; GFLOP/s of a 2048 x 2048 product on all cores."""
    import torch

    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write("#include <boost/hana.hpp>\n")
        source.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["g++", "-std=c++20", "-fsyntax-only", source.name], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    compiler = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    a = torch.rand(2048, 2048)
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - begun)
    torch.set_num_threads(1)
    return compiler, 2 * 2048**3 / min(times) / 1e9
