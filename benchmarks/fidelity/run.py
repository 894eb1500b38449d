#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rank correlation between fidelities: random feasible networks, each trained at the reference fidelity and at cheaper ones;
and of scores that need no training.

    benchmarks/fidelity/run.py SCORES [--llmnas PROGRAM] [--out DIR] [--networks 20] [--seed 7] [--jobs CORES] [--report-only]

SCORES is benchmark_fidelity_program, which scores untrained networks. Every training is a `llmnas train` of one thread in a directory of its own below DIR; what is finished there
is not trained again, so that the run can be stopped at any time. Prints Spearman's coefficient of validation top-1
with a 95 % interval by bootstrap over the networks, and each fidelity's cost relative to the reference: images x pixels,
and CPU time. Takes hours on two cores. Needs
scipy (Debian: python3-scipy) and CIFAR-100 in $LLMNAS_DATA_DIR or data/."""
import argparse
import concurrent.futures
import csv
import json
import math
import os
import pathlib
import resource
import subprocess
import sys

REFERENCE = "reference"
# resolution, images, epochs, seed; in the order in which they are trained
FIDELITIES = {
    REFERENCE: (64, 10000, 5, 0),
    "5,000 images, 32 px": (32, 5000, 5, 0),
    "5,000 images, 32 px, 2 epochs": (32, 5000, 2, 0),
    "32 px": (32, 10000, 5, 0),
    "reference, another seed": (64, 10000, 5, 1),
}

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("scores")
arguments.add_argument("--llmnas", dest="program", default="build/release/llmnas")
arguments.add_argument("--out", type=pathlib.Path, default="build/fidelity")
arguments.add_argument("--networks", type=int, default=20)
arguments.add_argument("--seed", type=int, default=7)
arguments.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
arguments.add_argument("--report-only", action="store_true", help="of what is finished in --out")
options = arguments.parse_args()
options.out.mkdir(parents=True, exist_ok=True)


def networks():
    lines = subprocess.run([options.program, "space", "--sample", str(options.networks), "--feasible", "--seed",
                            str(options.seed)], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def directory(number, fidelity):
    resolution, images, epochs, seed = FIDELITIES[fidelity]
    return options.out / f"{number:03}-{resolution}px-{images}-{epochs}-{seed}"


def train(number, fidelity):
    out = directory(number, fidelity)
    if (out / "done.json").exists():
        return
    resolution, images, epochs, seed = FIDELITIES[fidelity]
    command = [options.program, "train", options.out / f"{number:03}.json", "--recipe", "quick", "--batch", "64", "--threads", "1",
               "--resolution", resolution, "--images", images, "--epochs", epochs, "--seed", seed, "--out", out, "--resume"]
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"network {number}: {errors.decode(errors='replace')}")
    (out / "done.json").write_text(json.dumps({"cpu_seconds": usage.ru_utime + usage.ru_stime,
                                               "peak_kib": usage.ru_maxrss}))
    print(f"network {number}, {fidelity}: {accuracies(out)[-1]:.2%}", file=sys.stderr, flush=True)


def accuracies(out):
    with open(out / "curve.csv", encoding="utf-8", newline="") as file:
        return [float(row["top1"]) for row in csv.DictReader(file)]


def untrained(numbers):
    """Scores of networks by name, in order."""
    lines = subprocess.run([options.scores, os.environ.get("LLMNAS_DATA_DIR") or "data",
                            *(str(options.out / f"{n:03}.json") for n in numbers)],
                           stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return {name: [f[name] for f in found] for name in found[0]}


def report(sample):
    import numpy
    from scipy import stats

    def finished(fidelity):
        return {n for n in range(len(sample)) if (directory(n, fidelity) / "done.json").exists()}

    def final(fidelity, epoch=-1):
        return lambda n: accuracies(directory(n, fidelity))[epoch]

    def cpu_ratio(fidelity):
        """Over the networks for which both times are on record."""
        sums = numpy.zeros(2)
        for n in finished(REFERENCE) & finished(fidelity):
            times = [json.loads((directory(n, f) / "done.json").read_text()).get("cpu_seconds") for f in (fidelity, REFERENCE)]
            if None not in times:
                sums += times
        return sums[0] / sums[1] if sums[1] else math.nan

    def correlation(a, b):
        """Spearman's coefficient, and the ends of its interval."""
        drawn = stats.bootstrap((a, b), lambda x, y: stats.spearmanr(x, y)[0], paired=True, vectorized=False,
                                method="percentile", n_resamples=10000, random_state=numpy.random.default_rng(0))
        return stats.spearmanr(a, b)[0], (drawn.confidence_interval.low, drawn.confidence_interval.high)

    columns = [(name, name, final(name), FIDELITIES[name][:3]) for name in FIDELITIES if name != REFERENCE]
    resolution, images, epochs, _ = FIDELITIES[REFERENCE]
    columns.insert(0, (f"reference, stopped behind epoch 1 of {epochs}", REFERENCE, final(REFERENCE, 0), (resolution, images, 1)))
    print(f"| fidelity | networks | images x pixels | CPU time | top-1 median [min, max] | Spearman | 95 % |\n"
          f"|---|---|---|---|---|---|---|")
    every = sorted(finished(REFERENCE))
    values = numpy.array([final(REFERENCE)(n) for n in every])
    print(f"| reference: {resolution} px, {images:,} images, {epochs} epochs | {len(every)} | 1 | 1 | "
          f"{numpy.median(values):.1%} [{values.min():.1%}, {values.max():.1%}] | 1 | |")
    for name, trained, accuracy, (pixels, count, length) in columns:
        both = sorted(finished(REFERENCE) & finished(trained))
        if len(both) < 3:
            continue
        low = numpy.array([accuracy(n) for n in both])
        high = numpy.array([final(REFERENCE)(n) for n in both])
        rho, interval = correlation(low, high)
        share = (pixels / resolution) ** 2 * (count / images) * (length / epochs)
        time = "1/5" if trained == REFERENCE else f"{cpu_ratio(trained):.2f}"
        print(f"| {name} | {len(both)} | {share:.3g} | {time} | {numpy.median(low):.1%} [{low.min():.1%}, {low.max():.1%}] | "
              f"{rho:.2f} | {interval[0]:.2f} to {interval[1]:.2f} |")
    scores = untrained(every)
    scores["MACs"] = [sample[n]["macs"] for n in every]
    scores["parameters"] = [sample[n]["params"] for n in every]
    print("\n| score without training | networks | seconds each, one core | Spearman | 95 % |\n|---|---|---|---|---|")
    for name in ("synflow", "naswot", "MACs", "parameters"):
        rho, interval = correlation(numpy.array(scores[name]), values)
        seconds = f"{numpy.median(scores[name + '_seconds']):.2f}" if name + "_seconds" in scores else "0"
        print(f"| {name} | {len(every)} | {seconds} | {rho:.2f} | {interval[0]:.2f} to {interval[1]:.2f} |")
    shown = [f for f in FIDELITIES if finished(f)]
    print("\n| network | MACs, 10^6 | parameters, 10^3 | " + " | ".join(shown) + " |\n|---|---|---|" + "---|" * len(shown))
    for n in every:
        cells = [f"{final(f)(n):.2%}" if n in finished(f) else "" for f in shown]
        print(f"| {n} | {sample[n]['macs'] / 1e6:.1f} | {sample[n]['params'] / 1e3:.0f} | " + " | ".join(cells) + " |")


chosen = networks()
for i, network in enumerate(chosen):
    (options.out / f"{i:03}.json").write_text(json.dumps({"candidate_config": network["candidate_config"]}))
if not options.report_only:
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(train, number, fidelity) for fidelity in FIDELITIES for number in range(len(chosen))]
        for job in concurrent.futures.as_completed(jobs):
            job.result()
report(chosen)
