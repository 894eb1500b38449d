#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits latency models to the latencies that mit-han-lab/tinyengine publishes for an STM32H743 at 480 MHz, and prints
their errors beside those of a straight line in MACs: in the sample, and leaving one network out (fitted on the others,
asked for the one). Errors are mean absolute percentage errors; "worst" is the worst network left out.

    benchmarks/latency/fit.py FEATURES_PROGRAM     (built from features.cpp)

Coefficients minimise relative errors and are not negative; those of MACs are at least the time of half a cycle, because
a Cortex-M7 does two MACs an instruction (SMLAD) and maps and MACs are nearly proportional within the family. The chosen
set's are those of include/llmnas/cost/latency.hpp; the last table says how far its constants are from the measurements.
"""
import itertools
import json
import subprocess
import sys

try:
    import numpy
except ImportError:
    print("SKIPPED: numpy is not installed for this interpreter (Debian: python3-numpy)")
    sys.exit(0)

NETWORKS = ["mcunet_vww0", "mcunet_vww1", "mcunet_vww2", "mcunet_in0", "mcunet_in1", "mcunet_in2", "mcunet_in3",
            "mcunet_in4", "proxyless_w03"]
# Milliseconds, README of mit-han-lab/tinyengine; None: out of memory.
MEASURED = {
    "TFLM": [587, 1120, 5310, 586, 1227, 6463, 7821, None, 3801],
    "CMSIS-NN": [53, 97, 478, 51, 103, 642, 770, None, 380],
    "X-CUBE-AI 7.3": [32, 57, 269, 35, 63, 351, 414, 516, 205],
    "TinyEngine": [27, 51, 234, 25, 56, 280, 336, 463, 176],
}
MILLISECONDS_A_MILLION_MACS = 0.5 * 1e6 / 480e3
CHOSEN = ("dense", "depthwise", "maps", "weights")
SETS = [
    ("dense", "depthwise"),
    ("dense", "depthwise", "maps"),
    ("dense", "depthwise", "maps", "operators"),
    CHOSEN,
    ("dense", "depthwise3", "depthwise5", "depthwise7"),
    ("dense", "depthwise3", "depthwise5", "depthwise7", "maps"),
    ("pointwise", "other", "depthwise", "maps", "weights"),
    CHOSEN + ("operators",),
]


def read_features():
    networks = json.loads(subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout)
    for f in networks.values():
        f["other"] = f["full"] + f["linear"]
        f["dense"] = f["pointwise"] + f["other"]
        f["depthwise"] = f["depthwise3"] + f["depthwise5"] + f["depthwise7"]
        f["MACs"] = f["dense"] + f["depthwise"]
        f["operators"] *= 1e6  # so that its coefficient is milliseconds an operator
    return networks


def non_negative(a, y):
    """Least squares with coefficients >= 0: the best of the unconstrained solutions on subsets of the columns."""
    best_error, best = (y ** 2).sum(), numpy.zeros(a.shape[1])
    for size in range(1, a.shape[1] + 1):
        for columns in map(list, itertools.combinations(range(a.shape[1]), size)):
            c = numpy.linalg.lstsq(a[:, columns], y, rcond=None)[0]
            error = ((a[:, columns] @ c - y) ** 2).sum()
            if (c >= 0).all() and error < best_error:
                best_error, best = error, numpy.zeros(a.shape[1])
                best[columns] = c
    return best


def errors(a, y, solve):
    """Coefficients, errors in the sample, and errors with one network left out."""
    c = solve(a, y)
    without = [abs(a[i] @ solve(numpy.delete(a, i, 0), numpy.delete(y, i)) - y[i]) / y[i] for i in range(len(y))]
    return c, abs(a @ c - y) / y, numpy.array(without)


def bounded_below(least):
    """Non-negative least squares with lower bounds of coefficients: the fit of what the bounds leave over."""
    return lambda a, y: least + non_negative(a, y - a @ least)


def relative(solve):
    return lambda a, y: solve(a / y[:, None], numpy.ones(len(y)))


def ordinary(a, y):
    return numpy.linalg.lstsq(a, y, rcond=None)[0]


if len(sys.argv) != 2:
    sys.exit(__doc__)
features = read_features()
candidates = [("line in MACs, least squares", None, ordinary), ("line in MACs, relative", None, relative(ordinary))]
NO_MACS = ("maps", "weights", "operators")
candidates += [(", ".join(s), s, relative(bounded_below(
    numpy.array([0 if c in NO_MACS else MILLISECONDS_A_MILLION_MACS for c in s])))) for s in SETS]
print("| features | " + " | ".join(f"{e}: in sample / one out / worst" for e in MEASURED) + " |")
print("|---|" + "---|" * len(MEASURED))
coefficients = {}
for name, columns, solve in candidates:
    cells = []
    for engine, times in MEASURED.items():
        rows = [(n, t) for n, t in zip(NETWORKS, times) if t]
        y = numpy.array([t for _, t in rows], float)
        a = numpy.array([[1, features[n]["MACs"] / 1e6] if columns is None else
                         [features[n][c] / 1e6 for c in columns] for n, _ in rows])
        c, inside, out = errors(a, y, solve)
        cells.append(f"{100 * inside.mean():.1f} / {100 * out.mean():.1f} / {100 * out.max():.1f} %")
        if columns is None or columns == CHOSEN:
            coefficients.setdefault(engine, []).append((name, c, out))
    print(f"| {name}{' (chosen)' if columns == CHOSEN else ''} | " + " | ".join(cells) + " |")

print("\nMilliseconds per million\n")
print("| engine | line (constant, MACs) | " + " | ".join(CHOSEN) + " | one out | worst |")
print("|---|---|" + "---|" * (len(CHOSEN) + 2))
for engine, fits in coefficients.items():
    line, (_, c, out) = fits[1][1], fits[2]
    print(f"| {engine} | {line[0]:.2f}, {line[1]:.3f} | " + " | ".join(f"{x:.4g}" for x in c)
          + f" | {100 * out.mean():.2f} % | {100 * out.max():.2f} % |")

print("\nThe header's constants: milliseconds predicted, measured, error\n")
print("| network | " + " | ".join(MEASURED) + " |")
print("|---|" + "---|" * len(MEASURED))
for i, network in enumerate(NETWORKS):
    cells = []
    for engine, times in MEASURED.items():
        predicted = features[network]["models"][engine]
        cells.append(f"{predicted:.0f}, {times[i]}, {100 * (predicted / times[i] - 1):+.1f} %" if times[i]
                     else f"{predicted:.0f}, out of memory")
    print(f"| {network} | " + " | ".join(cells) + " |")
