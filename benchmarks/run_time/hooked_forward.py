#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The usual way to count a network in Python: build the module with torch, run one forward pass with hooks that note the
sizes of every layer's input and output and its multiply-accumulates, and add them up. One thread, CPU time as on the
other side. Prints a line of JSON with the rates and with what was counted, so that run.py can tell that both sides count
the same network.

    benchmarks/run_time/hooked_forward.py FILE.json [--size 160] [--classes 100] [--runs 15]
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from torch_network import build, read_stages

def measure(module, size):
    """MACs, parameters, and the largest input + output of a layer in bytes of int8."""
    found = {"macs": 0, "peak": 0}

    def note(layer, inputs, output):
        found["peak"] = max(found["peak"], inputs[0].numel() + output.numel())
        if isinstance(layer, nn.Conv2d):
            found["macs"] += output.numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            found["macs"] += layer.weight.numel()

    hooks = [layer.register_forward_hook(note) for layer in module.modules() if not list(layer.children())]
    with torch.no_grad():
        module(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    found["parameters"] = sum(p.numel() for p in module.parameters())
    return found


def rate(action, runs):
    seconds = []
    for _ in range(runs):
        begin = time.process_time()
        action()
        seconds.append(time.process_time() - begin)
    return 1 / statistics.median(seconds)


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("file")
arguments.add_argument("--size", type=int, default=160)
arguments.add_argument("--classes", type=int, default=100)
arguments.add_argument("--runs", type=int, default=15)
options = arguments.parse_args()
stages = read_stages(options.file)
torch.set_num_threads(1)
found = measure(build(stages, options.classes).eval(), options.size)  # also warms up
module = build(stages, options.classes).eval()
json.dump({"torch": torch.__version__, **found,
           "build_and_forward": rate(lambda: measure(build(stages, options.classes).eval(), options.size), options.runs),
           "forward": rate(lambda: measure(module, options.size), options.runs)}, sys.stdout)
print()
