#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The step of main.cpp in Python: images a second and the peak of resident memory in MiB.

    benchmarks/training/peer.py FILE.json RESOLUTION BATCH default|channels_last|compile SECONDS"""
import os
import pathlib
import resource
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from torch_network import build, read_stages

file, pixels, batch, layout, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], float(sys.argv[5])
torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(1)
module = build(read_stages(file), 100).train()
images = torch.randn(batch, 3, pixels, pixels)
if layout != "default":
    module = module.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
if layout == "compile":
    module = torch.compile(module)
labels = torch.randint(100, (batch,))
optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)


def step():
    loss = torch.nn.functional.cross_entropy(module(images), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


for _ in range(3):
    step()
begun, steps = time.perf_counter(), 0
while time.perf_counter() - begun < seconds:
    step()
    steps += 1
rate = steps * batch / (time.perf_counter() - begun)
print(rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
