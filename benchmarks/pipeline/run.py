#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Images/s of the input pipeline beside torchvision with PIL on the same cores, and for how long a training waits for it.

    benchmarks/pipeline/run.py PROGRAM [--rounds 5] [--seconds 3]

PROGRAM is benchmark_pipeline_program. Rounds of both sides take turns; medians are printed. On one core torchvision runs in
a loop of its own, and images are counted a second of CPU time, so that other work on the machine shows less; on all cores
it runs in the workers of a DataLoader, and wall time counts. The calibration is the CPU time in which the compiler reads
<boost/hana.hpp>, and a 2048 x 2048 product by torch."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy
    import torch
    import torchvision
    from PIL import Image, __version__ as pil_version
    from torchvision import transforms
except ImportError as missing:
    sys.exit(f"run.py: {missing}; Debian: python3-torchvision")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from calibration import calibration, processor

TASKS = [("evaluation", 160), ("mini", 160), ("full", 160), ("evaluation", 64), ("mini", 64), ("mini", 32), ("quick", 32)]
WAITS = [("mini", 160, 200, 20), ("full", 160, 200, 20), ("mini", 64, 2000, 50), ("mini", 32, 4000, 50)]
BATCH = 128

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("program")
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--seconds", type=float, default=3, help="of each measurement")
options = arguments.parse_args()
cores = sorted(os.sched_getaffinity(0))


def chain(task, resolution):
    """The published code's transforms; 32 px images are as they come."""
    steps = [] if resolution == 32 else [transforms.Resize((resolution, resolution))]
    if task == "quick":
        steps.append(transforms.RandomHorizontalFlip())
    if task in ("mini", "full"):
        steps.append(transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10))
    if task == "full":
        steps.append(transforms.RandomAffine(10, (0.1, 0.1), (0.8, 1.2)))
    return transforms.Compose([*steps, transforms.ToTensor(),
                               transforms.Normalize((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))])


class Images(torch.utils.data.Dataset):
    def __init__(self, pixels, transform, times=1):
        self.images = [Image.fromarray(p) for p in pixels]
        self.transform = transform
        self.times = times

    def __len__(self):
        return len(self.images) * self.times

    def __getitem__(self, i):
        return self.transform(self.images[i % len(self.images)])


def finish(task, batch):
    if task == "full":  # MixUp
        share = numpy.random.beta(0.2, 0.2)
        batch = share * batch + (1 - share) * batch[torch.randperm(len(batch))]
    return batch


def peer_alone(task, resolution, pixels):
    data = Images(pixels, chain(task, resolution))
    done, begun, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < options.seconds:
        finish(task, torch.stack([data[(done + i) % len(data)] for i in range(BATCH)]))
        done += BATCH
    return done / (time.process_time() - used)


def peer_workers(task, resolution, pixels):
    data = Images(pixels, chain(task, resolution), times=1000)
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH, num_workers=len(cores))
    done, begun = 0, None
    for batch in loader:
        finish(task, batch)
        if begun is None:  # the workers have started
            begun = time.perf_counter()
            continue
        done += BATCH
        if time.perf_counter() - begun >= options.seconds:
            return done / (time.perf_counter() - begun)
    raise RuntimeError("too few images")


def ours(task, resolution, workers):
    command = [options.program, "rate", task, str(resolution), str(workers), str(options.seconds)]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [float(v) for v in out.split()]


torch.set_num_threads(1)
hana, product = calibration()
print(f"{len(cores)} cores ({processor()}); <boost/hana.hpp> {hana:.2f} s, 2048 x 2048 "
      f"product {product:.0f} GFLOP/s; torchvision {torchvision.__version__}, PIL {pil_version}; images/s, median of "
      f"{options.rounds} rounds in turn\n")
with tempfile.NamedTemporaryFile() as file:
    subprocess.run([options.program, "images", file.name, "4000"], check=True)
    stored = numpy.fromfile(file.name, numpy.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy()
print("| images of 32 px to | one core: llmnas | torchvision | ratio | all cores: llmnas | DataLoader | ratio |")
print("|---|---|---|---|---|---|---|")
for name, size in TASKS:
    rates = [[], [], [], []]
    for _ in range(options.rounds):
        os.sched_setaffinity(0, cores[:1])
        rates[0].append(ours(name, size, 1)[1])
        rates[1].append(peer_alone(name, size, stored))
        os.sched_setaffinity(0, cores)
        rates[2].append(ours(name, size, len(cores))[0])
        rates[3].append(peer_workers(name, size, stored))
    a, b, c, d = map(statistics.median, rates)
    print(f"| {name}, {size} px | {a:,.0f} | {b:,.0f} | {a / b:.1f} | {c:,.0f} | {d:,.0f} | {c / d:.1f} |", flush=True)
print("\n| LMaNet-Elite trained with | batch | images/s | share of the time waiting for data |\n|---|---|---|---|")
for name, size, count, batch_size in WAITS:
    command = [options.program, "wait", name, str(size), str(count), str(batch_size)]
    # As trials run in processes of their own: OpenMP's threads do not spin where others want the core.
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True,
                         env={**os.environ, "GOMP_SPINCOUNT": "10000"}).stdout
    seconds, waited, speed = map(float, out.split())
    print(f"| {name}, {size} px, {count} images | {batch_size} | {speed:,.0f} | {waited / seconds:.2%} |", flush=True)
