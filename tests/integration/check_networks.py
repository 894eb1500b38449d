#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`llmnas check` on every network of the zoo and on JSON files: figures, exit codes, and that its suggestions are true."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("LLMNAS_PROGRAM", "")
# Peaks of LMaNet-Elite in bytes.
PEAKS = {"layerwise": "204,800", "arena": "246,264", "in_place_depthwise": "257,288", "overlaid": "155,616",
         "fused_blocks": "104,976", "streamed_prefix": "127,184", "planned": "87,056"}


def check(*arguments, code=0, environment=None):
    done = subprocess.run([PROGRAM, "check", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == code, f"{arguments}: exit code {done.returncode}, wanted {code}\n{done.stdout}{done.stderr}"
    return done


def zoo():
    names = re.search(r"one of (.*)\)", check("nothing like it", code=2).stderr)[1].split(", ")
    assert len(names) == len(set(names)) and {"lmanet_elite", "lmanet_core", "resnet8"} <= set(names), names
    return names


def section(text, title):
    """Lines below a title up to the next empty line."""
    after = text.split(title, 1)[1].split("\n", 1)[1].lstrip("\n")
    return after.split("\n\n", 1)[0].splitlines()


def suggestions(text):
    return [line.strip() for line in section(text, "What would make it fit")]


def models(text):
    """Name of a model -> its line in the table of all models."""
    return {re.sub(r"^> ", "  ", line).split()[0]: line for line in section(text, "Peak SRAM by every memory model")[1:]}


def check_figures():
    text = check("lmanet_elite").stdout
    for model, peak in PEAKS.items():
        assert f" {peak} " in models(text)[model], (model, models(text)[model])
    for model, peak in PEAKS.items():
        chosen = check("lmanet_elite", "--memory-model", model).stdout
        assert re.search(rf"peak SRAM +{peak} B .* by the model {model}, at", chosen), chosen
        # The picture's longest bar, and the end of the last buffer, are the peak.
        picture = section(chosen, f"SRAM while each operator runs, by {model}\n")
        sizes = [int(line.split()[-1].replace(",", "")) for line in picture[:-1]]
        assert len(sizes) == 47 and f"{max(sizes):,}" == peak, (model, sizes)
        rows = [re.match(r" *\d+ +([\d,]+) +([\d,]+) ", line) for line in section(chosen, "At the peak:")[1:]]
        assert all(rows), chosen
        end = max(sum(int(part.replace(",", "")) for part in row.groups()) for row in rows)
        assert f"{end:,}" == peak, (model, end)
    table = section(text, "classes\n")
    assert len(table) == 48 and "operator" in table[0] and "in B" in table[0], table
    brief = check("lmanet_elite", "--brief").stdout
    assert len(text.splitlines()) - len(brief.splitlines()) == 49, "--brief leaves out the table of operators alone"


def check_zoo(names):
    for name in names:
        text = subprocess.run([PROGRAM, "check", name, "--memory-model", "planned"], capture_output=True, text=True, timeout=120)
        assert text.returncode in (0, 3) and not text.stderr, (name, text)
        assert ("\nfits\n" in text.stdout) == (text.returncode == 0), name
        lines = text.stdout.splitlines()
        assert not [line for line in lines if line != line.rstrip()], f"{name}: spaces at the end of a line"
        assert "\033" not in text.stdout and text.stdout.isascii(), f"{name}: no terminal, no colours or block characters"


def check_files(folder):
    """The published network in a file is the network of the zoo; suggestions that fit are applied and do fit."""
    blocks = [{"output_channels": channels, "num_layers": layers, "kernel_size": kernel, "stride": stride,
               "expansion_factor": 3, "use_se": se, "se_ratio": 0.5, "conv_type": kind, "skip_op": skip, "activation": "relu6"}
              for channels, layers, kernel, stride, se, kind, skip in [
                  (16, 2, 3, 2, False, "depthwise", "identity"), (32, 2, 5, 2, False, "depthwise", "residual"),
                  (48, 2, 5, 2, False, "mbconv", "identity"), (64, 3, 3, 1, True, "mbconv", "identity"),
                  (128, 3, 7, 2, False, "mbconv", "identity")]]
    path = folder / "elite.json"

    def write(changed):
        path.write_text(json.dumps({"candidate_config": {"input_channels": 3, "blocks": changed}}))

    write(blocks)
    text = check(path).stdout
    assert "; in table1_se" in text and models(text) == models(check("lmanet_elite").stdout), text

    tried = 0
    for arguments in (["--sram", "204799"], ["--sram", "80000", "--memory-model", "planned"], ["--flash", "500000"],
                      ["--macs", "90M:200M"], ["--macs", "20M:78M", "--sram", "204000", "--memory-model", "arena"],
                      ["--sram", "1000"]):
        write(blocks)
        found = suggestions(check(path, *arguments, code=3).stdout)
        for line in found:
            change = re.match(r"stage (\d) (\w+) (\S+) -> (\S+): ([\d,]+) B", line)
            if change:
                stage, field, before, after, sram = change.groups()
                value = blocks[int(stage) - 1][field]
                assert before == (value if isinstance(value, str) else json.dumps(value)), line
                changed = [dict(block) for block in blocks]
                changed[int(stage) - 1][field] = after if isinstance(value, str) else json.loads(after)
                write(changed)
                assert f"SRAM       ok   {sram} B" in check(path, *arguments).stdout, line
                tried += 1
            square = re.match(r"input \S+ -> (\S+): ([\d,]+) B", line)
            if square:
                write(blocks)
                assert f"SRAM       ok   {square[2]} B" in check(path, *arguments, "--input", square[1]).stdout, line
                tried += 1
        assert len([line for line in found if line.startswith("stage")]) <= 5, found
    assert tried >= 8, tried
    assert suggestions(check(path, "--sram", "1000", code=3).stdout)[0].startswith("no single field"), "nothing makes it so small"

    # More blocks than the planner takes: other models judge.
    for block in blocks:
        block["num_layers"] = 30
    write(blocks)
    text = check(path, "--memory-model", "planned", code=3).stdout
    assert "cannot be judged by this model" in text and "not covered: number of cut points over 64" in models(text)["planned"], text


def check_terminal():
    """Colours and block characters on a terminal, unless NO_COLOR and the locale speak against them."""
    if subprocess.run(["which", "script"], capture_output=True).returncode != 0:
        print("terminal: SKIPPED, there is no program script")
        return

    def on_terminal(**environment):
        command = f"'{PROGRAM}' check lmanet_core --sram 300000"
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG", "TERM")}
        return subprocess.run(["script", "-qc", command, "/dev/null"], capture_output=True, timeout=60,
                              env={**clean, **environment}).stdout.decode()

    full = on_terminal(TERM="xterm", LC_ALL="C.UTF-8", COLUMNS="100")
    assert "\033[31m" in full and "█" in full
    plain = on_terminal(TERM="xterm", LC_ALL="C", NO_COLOR="1")
    assert "\033" not in plain and plain.isascii() and "#|#" in plain


def main():
    if not pathlib.Path(PROGRAM).is_file():
        print("SKIPPED: LLMNAS_PROGRAM names no program")
        return 77
    names = zoo()
    check_figures()
    check_zoo(names)
    with tempfile.TemporaryDirectory() as folder:
        check_files(pathlib.Path(folder))
    check_terminal()
    print(f"{len(names)} networks of the zoo checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
