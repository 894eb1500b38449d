#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""llmnas train and llmnas eval: an interrupted training ends in the weights of an uninterrupted one, PyTorch reads them,
a full disk costs nothing, and the published weights have the accuracy that PyTorch measures."""
import csv
import json
import os
import pathlib
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

PROGRAM = os.environ["LLMNAS_PROGRAM"]
DATA = pathlib.Path(os.environ.get("LLMNAS_DATA_DIR", "data"))
SMALL = ["--dataset", "generated", "--recipe", "quick", "--resolution", "16", "--images", "600", "--batch", "50",
         "--epochs", "3", "--validation-images", "200", "--threads", "1", "--average", "0.9"]


def program(*arguments, **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def succeed(*arguments):
    done = program(*arguments)
    assert done.returncode == 0, (arguments, done)
    return done


def refused(code, pattern, *arguments, **options):
    done = program(*arguments, **options)
    assert done.returncode == code and re.search(pattern, done.stderr), (arguments, pattern, done)
    return done


def metadata_of(safetensors):
    raw = safetensors.read_bytes()
    return json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]])["__metadata__"]


def interrupted_training(folder, network):
    """Stopped twice in the middle, by each signal; the second part is continued by the command that the first printed."""
    whole = folder / "whole"
    done = succeed("train", network, "--out", whole, *SMALL)
    assert done.stdout.startswith("validation top-1 "), done.stdout
    parts = folder / "in parts"
    command = [PROGRAM, "train", str(network), "--out", str(parts), *SMALL, "--resume"]
    for seconds, ending in ((0, signal.SIGINT), (1.5, signal.SIGTERM)):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr.readline().startswith("data: ")  # from here on signals are caught
        time.sleep(seconds)
        process.send_signal(ending)
        _, said = process.communicate(timeout=60)
        if process.returncode == 0:
            break  # a fast machine was done
        assert process.returncode == 130 and "training interrupted" in said, (process.returncode, said)
        again = re.search(r"go on with: llmnas (.*)", said)[1]
        assert again.endswith(" --resume"), said
        command = ["bash", "-c", f'exec "$0" {again}', PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done
    for file in ("weights.safetensors", "weights.pth"):
        assert (parts / file).read_bytes() == (whole / file).read_bytes(), file
    rows = [list(csv.DictReader((out / "curve.csv").open())) for out in (whole, parts)]
    keys = ("epoch", "learning_rate", "train_loss", "validation_loss", "top1", "top5")
    assert [[row[k] for k in keys] for row in rows[0]] == [[row[k] for k in keys] for row in rows[1]], rows
    assert len(rows[0]) == 3 and all(float(row["images_per_second"]) > 0 and float(row["seconds_waited"]) >= 0 for row in rows[1])
    refused(2, "a training is there already .*--resume", "train", network, "--out", whole, *SMALL)
    refused(2, "belongs to another run: seed differs .got 0, wanted 1", "train", network, "--out", whole, *SMALL, "--resume",
            "--seed", 1)
    return whole


def full_disk(folder, network, whole):
    """Files may not grow beyond a limit: every write fails, and the checkpoint stays as it was."""
    out = folder / "full"
    out.mkdir()
    checkpoint = out / "checkpoint.safetensors"
    process = subprocess.Popen([PROGRAM, "train", str(network), "--out", str(out), *SMALL], stderr=subprocess.DEVNULL)
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = checkpoint.read_bytes()
    (out / "curve.csv").write_text("")
    files = set(out.iterdir())

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, 1 << 14))

    if "\n3 3 " not in metadata_of(checkpoint)["reports"]:  # else it was killed too late to fail
        refused(1, "checkpoint.safetensors: cannot write", "train", network, "--out", out, *SMALL, "--resume", preexec_fn=limit)
    assert checkpoint.read_bytes() == before
    assert set(out.iterdir()) == files, "no part of a file stays"
    succeed("train", network, "--out", out, *SMALL, "--resume")
    assert (out / "weights.pth").read_bytes() == (whole / "weights.pth").read_bytes()


def evaluation(folder, network, whole):
    """Weights that name their network; PyTorch reads them as a plain state dict."""
    flags = ["--dataset", "generated", "--threads", "1", "--split", "validation"]
    said = json.loads(succeed("eval", whole / "weights.pth", *flags, "--json", "--per-class", folder / "classes.csv").stdout)
    for more in ([whole / "weights.safetensors"], [network, whole / "weights.pth", "--resolution", "16"]):
        other = json.loads(succeed("eval", *more, *flags, "--json").stdout)
        assert all(other[k] == said[k] for k in ("top1", "top5", "loss", "precision", "recall", "f1", "resolution")), (other, said)
    assert said["resolution"] == 16 and said["split"] == "validation" and said["top1"] == said["correct"] / said["images"]
    rows = list(csv.DictReader((folder / "classes.csv").open()))
    assert len(rows) == 100 and sum(int(row["correct"]) for row in rows) == said["correct"]
    assert abs(sum(float(row["recall"]) for row in rows) / 100 - said["recall"]) < 1e-5
    text = succeed("eval", whole / "weights.pth", *flags).stdout
    assert text.startswith(f"top-1 {100 * said['top1']:.2f} % ({said['correct']} of "), text

    metadata = metadata_of(whole / "weights.safetensors")
    assert json.loads(metadata["architecture"]) == json.loads(network.read_text())
    recipe = json.loads(metadata["recipe"])
    assert recipe["recipe"] == "quick" and recipe["epochs"] == 3 and recipe["weight_average"] == "decay 0.9", recipe
    with zipfile.ZipFile(whole / "weights.pth") as archive:
        assert archive.testzip() is None
        record = next(name for name in archive.namelist() if name.endswith("/llmnas.json"))
        assert json.loads(archive.read(record)) == metadata

    try:
        import torch
    except ImportError:
        print("torch is missing: its reading of weights.pth is not checked")
        return
    weights = torch.load(whole / "weights.pth", weights_only=True)
    assert all(isinstance(t, torch.Tensor) and t.is_contiguous() for t in weights.values())
    assert weights["classifier.weight"].shape == (100, 16) and "layers.0.layers.0.conv.1.num_batches_tracked" in weights

    # What Python saves comes in; what does not belong is told.
    torch.save(weights, folder / "python.pth")
    other = json.loads(succeed("eval", network, folder / "python.pth", *flags, "--json", "--resolution", "16").stdout)
    assert other["loss"] == said["loss"]
    refused(2, "weights do not say which network they are of", "eval", folder / "python.pth", *flags)
    refused(2, r"tensors do not belong to this network: \d+ missing, first layers.*; \d+ unexpected, first layers.* \(got \d+ tensors, wanted \d+",
            "eval", "lmanet_core", folder / "python.pth", *flags)
    wider = json.loads(network.read_text())
    for block in wider["candidate_config"]["blocks"]:
        block["output_channels"] = 24
    (folder / "wider.json").write_text(json.dumps(wider))
    refused(2, r"\d+ of another shape, first layers.0.layers.0.conv.7.weight \(got \[16, 9, 1, 1\], wanted \[24, 9, 1, 1\]",
            "eval", folder / "wider.json", folder / "python.pth", *flags)
    ten = {**weights, "classifier.weight": torch.zeros(10, 16), "classifier.bias": torch.zeros(10)}
    torch.save(ten, folder / "ten.pth")
    refused(2, r"ten.pth: classes of the weights and of the data differ \(got 10, wanted 100\)", "eval", network,
            folder / "ten.pth", *flags)
    weights["classifier.bias"][3] = float("nan")
    torch.save(weights, folder / "nan.pth")
    refused(2, r"nan.pth: weights are not finite .*got classifier.bias", "eval", network, folder / "nan.pth", *flags)
    torch.save({"state_dict": Hostile()}, folder / "hostile.pth")
    refused(2, r"hostile.pth.*posix.mkdir", "eval", network, folder / "hostile.pth", *flags)
    assert not pathlib.Path("llmnas-was-here").exists()


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("llmnas-was-here",)


def published(folder):
    """The first 200 test images, against PyTorch."""
    weights = DATA / "reference_nets" / "LMaNet_elite.pth"
    test = DATA / "cifar100" / "test.bin"
    if not weights.exists() or not test.exists():
        print("no reference_nets or cifar100: the published weights are not evaluated")
        return
    part = folder / "part"
    part.mkdir()
    records = 3074 * 200
    (part / "test.bin").write_bytes(test.read_bytes()[:records])
    (part / "train.bin").write_bytes(b"")  # an evaluation does not look at it
    sums = subprocess.run(["sha256sum", "test.bin", "train.bin"], cwd=part, capture_output=True, text=True, check=True).stdout
    (part / "SHA256SUMS").write_text(sums)
    done = json.loads(succeed("eval", "lmanet_elite", weights, "--data", part, "--json").stdout)
    assert done["images"] == 200 and done["resolution"] == 160, done
    # Counted once by Python torch 1.13 with PIL's resize; the two best logits of an image differ by at least 0.008, rounding
    # by 1e-4.
    assert done["correct"] == 148 and round(200 * done["top5"]) == 183 and abs(done["loss"] - 0.969988) < 1e-4, done


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        block = {"output_channels": 16, "num_layers": 1, "kernel_size": 3, "stride": 2, "expansion_factor": 3, "use_se": True,
                 "se_ratio": 0.25, "conv_type": "mbconv", "skip_op": "identity", "activation": "relu6"}
        network = folder / "net.json"
        network.write_text(json.dumps({"candidate_config": {"input_channels": 3, "blocks": [block] * 5}}))
        whole = interrupted_training(folder, network)
        full_disk(folder, network, whole)
        evaluation(folder, network, whole)
        published(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
