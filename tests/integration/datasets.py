#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same images in every format that the program reads give the same data; formats are written by numpy and PIL."""
import collections
import hashlib
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

try:
    import numpy
    from PIL import Image
except ImportError as missing:
    print(f"LLMNAS_SKIP: {missing}")
    sys.exit(77)

PROGRAM = os.environ["LLMNAS_PROGRAM"]
SMALL = ["--resolution", "32", "--images", "50", "--epochs", "1", "--batch", "50", "--recipe", "quick", "--threads", "1",
         "--trials", "1", "--proposer", "random", "--macs", "1M:100M"]


def declare(folder):
    """Own data in a published format: SHA256SUMS names them."""
    files = [file for file in sorted(folder.iterdir()) if file.name != "SHA256SUMS"]
    (folder / "SHA256SUMS").write_text(
        "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))


def main():
    random = numpy.random.default_rng(0)
    data_hashes = collections.defaultdict(dict)
    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)

        def program(data, classes, *arguments):
            out = top / f"study-{len(list(top.iterdir()))}"
            command = [PROGRAM, "search", "--data", str(data), "--classes", str(classes), "--out", str(out), *SMALL, *arguments]
            return out, subprocess.run(command, capture_output=True, text=True, timeout=120)

        def data_of(format, data, classes, *arguments):
            out, done = program(data, classes, "--hold-out", "200", *arguments)
            assert done.returncode == 0, (format, done)
            training = json.loads((out / "results.json").read_text())["config"]["training"]
            data_hashes[classes][format] = training["data_hash"]

        # Images sorted by class, so that a folder of them has the same order.
        for classes, batches, each in ((100, 1, 4), (10, 5, 20)):
            labels = [numpy.repeat(numpy.arange(classes), each) for _ in range(batches)] if batches == 1 else \
                [numpy.repeat(numpy.arange(classes)[2 * b:2 * b + 2], 5 * each) for b in range(batches)]
            images = [random.integers(0, 256, (len(label), 3072), dtype=numpy.uint8) for label in labels]
            names = ["train"] if classes == 100 else [f"data_batch_{b + 1}" for b in range(batches)]
            binary = top / f"cifar{classes}"
            binary.mkdir()
            for file, label, image in zip(names, labels, images):
                columns = [label[:, None].astype(numpy.uint8), image]
                if classes == 100:
                    columns.insert(0, (label[:, None] // 5).astype(numpy.uint8))
                (binary / f"{file}.bin").write_bytes(numpy.concatenate(columns, 1).tobytes())
            declare(binary)
            data_of("binary", binary, classes)
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                folder = top / f"pickle-{classes}-{protocol}"
                folder.mkdir()
                for file, label, image in zip(names, labels, images):
                    if protocol == 3:
                        image = numpy.asfortranarray(image)
                    batch = {"data": image, "fine_labels" if classes == 100 else "labels": label.tolist(),
                             "filenames": [f"{i}.png" for i in range(len(label))], "batch_label": "made by a test"}
                    (folder / file).write_bytes(pickle.dumps(batch, protocol=protocol))
                meta = {"fine_label_names" if classes == 100 else "label_names": [f"class {c}" for c in range(classes)]}
                (folder / ("meta" if classes == 100 else "batches.meta")).write_bytes(pickle.dumps(meta, protocol=protocol))
                declare(folder)
                data_of(f"protocol {protocol}", folder, classes)
            photos = top / f"images-{classes}"
            count = 0
            for label, image in zip(labels, images):
                for c, pixels in zip(label, image):
                    place = photos / f"class-{c:03}"
                    place.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(pixels.reshape(3, 32, 32).transpose(1, 2, 0)).save(place / f"{count:05}.png")
                    count += 1
            data_of("images", photos, classes)
            found = set(data_hashes[classes].values())
            assert len(found) == 1, data_hashes

        # Another seed holds out other images.
        data_of("another split", top / "cifar10", 10, "--split-seed", "1")
        assert data_hashes[10]["another split"] != data_hashes[10]["binary"]

        # What pickle would run is refused and does not run.
        class Hostile:
            def __reduce__(self):
                return os.mkdir, (str(top / "pwned"),)

        hostile = top / "pickle-100-2"
        (hostile / "train").write_bytes(pickle.dumps(Hostile(), protocol=2))
        declare(hostile)
        _, done = program(hostile, 100)
        assert done.returncode == 2 and "train, byte 2: pickle: global is not allowed in a data set (got posix.mkdir" in done.stderr, done
        assert not (top / "pwned").exists()
        # Own data that nobody declared.
        (top / "cifar10/SHA256SUMS").unlink()
        _, done = program(top / "cifar10", 10)
        assert done.returncode == 2 and "data_batch_1.bin: file is truncated" in done.stderr, done
        photo = next((top / "images-10").rglob("*.png"))
        photo.write_bytes(photo.read_bytes()[:-40])
        _, done = program(top / "images-10", 10)
        assert done.returncode == 2 and f"{photo.name}: damaged PNG" in done.stderr, done
        _, done = program(top / "images-100", 10)
        assert done.returncode == 2 and "outputs of the network and classes of the data differ (got 10x1x1, wanted 100)" in done.stderr, done
    return 0


if __name__ == "__main__":
    sys.exit(main())
