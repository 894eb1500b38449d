#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad input ends in one line that says what, where, got and wanted, and an exit code; nothing is lost."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM = os.environ["LLMNAS_PROGRAM"]
SMALL = ["--resolution", "32", "--images", "100", "--epochs", "1", "--batch", "50", "--validation-images", "100",
         "--recipe", "quick", "--threads", "1", "--trials", "1"]
failures = 0


def expect(code, pattern, *arguments, environment=None):
    global failures
    env = {**os.environ, "LLMNAS_DATA_DIR": "/nonexistent", **(environment or {})}
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=env)
    errors = [line for line in done.stderr.splitlines() if line.startswith("llmnas: ")]
    if done.returncode != code or len(errors) != 1 or not re.search(pattern, errors[0]):
        failures += 1
        print(f"FAILED {arguments}\n  wanted exit code {code} and /{pattern}/\n  got {done.returncode} and {done.stderr!r}")


def network():
    block = {"output_channels": 16, "num_layers": 1, "kernel_size": 3, "stride": 2, "expansion_factor": 3, "use_se": False,
             "se_ratio": 0.25, "conv_type": "mbconv", "skip_op": "identity", "activation": "relu6"}
    return {"candidate_config": {"input_channels": 3, "blocks": [dict(block) for _ in range(5)]}}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def written(document, file="net.json"):
            path = folder / file
            path.write_text(document if isinstance(document, str) else json.dumps(document))
            return path

        # Flags.
        expect(2, r"--nonsense", "search", "--nonsense")
        expect(2, r"subcommand", "--config", written("", "empty.toml"))
        expect(2, r"--sram: not a value \(got 320XB, wanted a size like", "check", "lmanet_elite", "--sram", "320XB")
        expect(2, r"--macs: an empty range \(got 9M:8M", "search", "--macs", "9M:8M")
        expect(2, r"--input: not a shape \(got 3x0x160", "check", "lmanet_elite", "--input", "3x0x160")
        expect(2, r"--target: unknown microcontroller \(got z80, wanted one of stm32h743", "check", "lmanet_elite", "--target", "z80")
        expect(2, r"--memory-model: unknown memory model \(got magic, wanted one of layerwise", "search", "--memory-model", "magic")
        expect(2, r"--sram: limit larger than AXI SRAM of stm32h743 \(got 1,048,576 B .* wanted at most 524,288 B",
               "search", "--sram", "1MiB")
        expect(2, r"--trials", "search", "--trials", "0")
        expect(2, r"--recipe|recipe \(got x, wanted mini", "search", "--recipe", "x", "--out", folder / "s")
        # Configuration files.
        expect(2, r"nonsense", "search", "--config", written("[search]\nnonsense = 3\n", "bad.toml"))
        expect(2, r"missing.toml", "search", "--config", folder / "missing.toml")
        # Networks.
        expect(2, r"neither a file nor a network of the zoo \(got lmanet_cor, wanted a JSON file or one of lmanet_core, lmanet_elite, ",
               "check", "lmanet_cor")
        expect(2, r"--memory-model: unknown memory model \(got plan, wanted one of layerwise, .*planned", "check", "ds_cnn",
               "--memory-model", "plan")
        expect(1, r"is a directory, not a file", "check", folder)
        expect(2, r"malformed JSON at byte 3", "check", written("[1"))
        expect(2, r"net.json: architecture: wrong number of stages \(got 1, wanted 5\)", "check", written("[1]"))
        document = network()
        document["candidate_config"]["blocks"][2]["conv_type"] = "dwconv"
        expect(2, r'stage 3: conv_type: not a legal value \(got "dwconv", wanted one of depthwise, mbconv\)', "check", written(document))
        document = network()
        document["candidate_config"]["blocks"][0]["stride"] = 0
        expect(2, r"stage 1 block 1 depthwise: illegal stride \(got 0", "check", written(document))
        document = network()
        del document["candidate_config"]["blocks"][4]["activation"]
        expect(2, r"stage 5: activation: missing field", "search", "--include", written(document))
        expect(2, r"deep.json: JSON nested too deeply", "check", written("[" * 400000 + "]" * 400000, "deep.json"))
        # Task and fidelity that do not fit the data are told before a study is made.
        expect(2, r"outputs of the network and classes of the data differ \(got 10x1x1, wanted 100\)", "search", "--classes", 10,
               "--proposer", "random", "--out", folder / "never")
        expect(2, r"images of the fidelity \(got 99999999, wanted", "search", "--images", 99999999, "--proposer", "random",
               "--out", folder / "never")
        expect(2, r"input channels of the network and the images differ", "search", "--input", "1x160x160", "--proposer",
               "random", "--out", folder / "never")
        assert not (folder / "never").exists()
        # Limits that nothing meets end the search.
        expect(2, r"no proposer finds a network within the limits", "search", "--macs", "1:2", "--proposer", "random", "--out",
               folder / "narrow", *SMALL)
        # Data.
        expect(2, r"train.bin", "search", "--data", folder / "none", "--out", folder / "s")
        (folder / "cifar100").mkdir()
        (folder / "cifar100/train.bin").write_bytes(b"\0" * 3073)
        expect(2, r"train.bin.*3,?073", "search", "--data", folder, "--out", folder / "s")
        expect(2, r"no data set of the kind cifar10 .*wanted cifar10/data_batch_1.bin", "search", "--data", folder, "--dataset",
               "cifar10", "--out", folder / "s")
        expect(2, r"--dataset: mnist not in", "search", "--dataset", "mnist", "--out", folder / "s")
        expect(2, r"size of the validation split \(got 150, wanted a multiple of 100", "search", "--dataset", "generated",
               "--hold-out", 150, "--out", folder / "s")
        # Servers and directories.
        expect(4, r"127.0.0.1:9", "search", "--llm-url", "http://127.0.0.1:9", "--out", folder / "s")
        expect(2, r"gopher", "search", "--llm-url", "gopher://x", "--out", folder / "s")
        expect(1, r"empty.toml.*study's directory", "search", "--proposer", "random", "--out", folder / "empty.toml/study", *SMALL)
        # A study of another configuration, and a damaged journal, are refused and left as they are.
        study = folder / "study"
        good = [PROGRAM, "search", "--proposer", "random", "--out", str(study), *SMALL]
        env = {**os.environ, "LLMNAS_DATA_DIR": "/nonexistent"}
        subprocess.run(good, check=True, capture_output=True, timeout=120, env=env)
        journal = (study / "journal.log").read_bytes()
        expect(2, r"journal.log, seed: the study was made with another configuration \(got 0, wanted 1\)",
               *good[1:], "--seed", "1")
        assert (study / "journal.log").read_bytes() == journal
        (study / "journal.log").write_bytes(b"garbage\n" + journal)
        expect(2, r"journal.log, line 1: line is not a JSON object \(got garbage\)", *good[1:])
        assert (study / "journal.log").read_bytes() == b"garbage\n" + journal
        # A network over the limits is an answer, not an error: exit code 3.
        done = subprocess.run([PROGRAM, "check", "lmanet_core", "--sram", "256KiB", "--brief"], capture_output=True, text=True)
        assert done.returncode == 3 and "does not fit" in done.stdout, done
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
