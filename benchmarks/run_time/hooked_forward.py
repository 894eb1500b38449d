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
import statistics
import sys
import time

import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "leakyrelu": nn.LeakyReLU, "swish": nn.SiLU}


def convolution(inputs, outputs, kernel=1, stride=1, groups=1, activation=None):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return layers + ([activation()] if activation else [])


class SqueezeExcite(nn.Module):
    def __init__(self, channels, ratio):
        super().__init__()
        hidden = max(1, int(channels * ratio))
        self.gates = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, hidden, 1), nn.ReLU(),
                                   nn.Conv2d(hidden, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.gates(x)


class Block(nn.Module):
    def __init__(self, inputs, stage, stride):
        super().__init__()
        activation = ACTIVATIONS[stage["activation"]]
        outputs = stage["output_channels"]
        middle = inputs * stage["expansion_factor"] if stage["conv_type"] == "mbconv" else inputs
        layers = convolution(inputs, middle, activation=activation) if stage["conv_type"] == "mbconv" else []
        layers += convolution(middle, middle, stage["kernel_size"], stride, middle, activation)
        if stage["use_se"]:
            layers.append(SqueezeExcite(middle, stage["se_ratio"]))
        self.path = nn.Sequential(*layers, *convolution(middle, outputs))
        self.shortcut = None
        if stage["skip_op"] == "residual" and stride == 1:
            self.shortcut = nn.Identity() if inputs == outputs else nn.Sequential(*convolution(inputs, outputs))

    def forward(self, x):
        return self.path(x) + self.shortcut(x) if self.shortcut else self.path(x)


def build(stages, classes):
    layers, channels = [], 3
    for stage in stages:
        for number in range(stage["num_layers"]):
            layers.append(Block(channels, stage, stage["stride"] if number == 0 else 1))
            channels = stage["output_channels"]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)).eval()


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
with open(options.file, encoding="utf-8") as file:
    stages = json.load(file)["candidate_config"]["blocks"]
torch.set_num_threads(1)
found = measure(build(stages, options.classes), options.size)  # also warms up
module = build(stages, options.classes)
json.dump({"torch": torch.__version__, **found,
           "build_and_forward": rate(lambda: measure(build(stages, options.classes), options.size), options.runs),
           "forward": rate(lambda: measure(module, options.size), options.runs)}, sys.stdout)
print()
