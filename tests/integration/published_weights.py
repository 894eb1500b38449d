#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# label: long
"""Top-1 of the four published networks on the complete test set of CIFAR-100."""
import json
import os
import pathlib
import subprocess
import sys

PROGRAM = os.environ["LLMNAS_PROGRAM"]
DATA = pathlib.Path(os.environ.get("LLMNAS_DATA_DIR", "data"))
TOP1 = {"LMaNet_elite.pth": 73.72, "vit_LMaNet_elite.pth": 74.76, "LMaNet-Core.pth": 73.12, "vit_LMaNet-Core.pth": 74.54}


def main():
    if not (DATA / "reference_nets").exists() or not (DATA / "cifar100" / "test.bin").exists():
        print("LLMNAS_SKIP: no reference_nets or cifar100 in $LLMNAS_DATA_DIR")
        return 77
    wrong = 0
    for file, wanted in TOP1.items():
        network = "lmanet_elite" if "elite" in file else "lmanet_core"
        done = subprocess.run([PROGRAM, "eval", network, str(DATA / "reference_nets" / file), "--data", str(DATA), "--json"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done
        got = json.loads(done.stdout)
        good = got["images"] == 10000 and abs(100 * got["top1"] - wanted) <= 0.15
        wrong += not good
        print(f"{'ok    ' if good else 'FAILED'} {file:22} top-1 {100 * got['top1']:.2f} % (wanted {wanted}), top-5 {100 * got['top5']:.2f} %, "
              f"macro F1 {100 * got['f1']:.2f} %, loss {got['loss']:.4f}, {got['images_per_second']:.0f} images/s")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
