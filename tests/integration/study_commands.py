#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""llmnas study on studies that llmnas search made, on generated data; nothing of a study is written."""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.environ["LLMNAS_PROGRAM"]
TRIALS = 2
TINY = ["--dataset", "generated", "--resolution", "16", "--images", "100", "--epochs", "1", "--batch", "50",
        "--validation-images", "50", "--recipe", "quick", "--threads", "1"]


def program(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def study(*arguments):
    done = program("study", *arguments)
    assert done.returncode == 0, f"{arguments}: exit code {done.returncode}: {done.stderr}"
    return done.stdout


def refused(pattern, *arguments, code=2):
    done = program("study", *arguments)
    assert done.returncode == code, f"{arguments}: exit code {done.returncode}, not {code}: {done.stderr}"
    assert re.search(pattern, done.stderr) and not done.stdout, f"{arguments}: {done.stderr}"


def search(out, proposer, seed, trials=TRIALS, flags=()):
    done = program("search", "--out", out, "--proposer", proposer, "--seed", seed, "--trials", trials, *TINY, *flags)
    assert done.returncode == 0, done.stderr


def contents(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def check_one(out):
    results = json.loads((out / "results.json").read_text())
    assert json.loads(study("export", out, "--format", "json")) == results
    assert study("export", out) == (out / "results.csv").read_text()
    assert study("export", out, "--format", "header") == (out / "winner.hpp").read_text()
    shown = json.loads(study("show", out, "--json"))
    assert shown["search"] == "evolution" and shown["states"]["complete"] == TRIALS, shown
    assert shown["front"] == results["front"] and shown["epochs"] == TRIALS and shown["training_seconds"] > 0
    assert 0 <= shown["hypervolume"]["share_of_box"] < 1
    text = study("show", out)
    assert f"trials       {TRIALS}: {TRIALS} complete" in text, text
    front = json.loads(study("front", out, "--json"))
    assert [t["number"] for t in front] == results["front"]
    assert len(study("front", out).splitlines()) == 1 + len(front)
    other = next(t["number"] for t in results["trials"] if t["feasible"])
    assert f"trial {other} of the study" in study("export", out, "--format", "header", "--trial", other)
    refused("no such trial", "export", out, "--format", "header", "--trial", 99)


def check_many(folder):
    listed = study("list", folder).splitlines()
    assert len(listed) == 4, listed
    text = study("compare", folder)
    assert "95 % confidence interval (Student's t)" in text and f"{TRIALS} trials" in text, text
    rows = list(csv.DictReader(io.StringIO(study("compare", folder, "--csv"))))
    assert {row["search"] for row in rows} == {"evolution", "nsga2"}
    assert {row["unit"] for row in rows} == {"trials", "epochs"}
    for row in rows:
        assert int(row["budget"]) <= TRIALS and int(row["studies"]) == (2 if row["search"] == "evolution" else 1), row
        if row["search"] == "nsga2":
            assert row["hypervolume_low"] == "" and float(row["hypervolume"]) < 1, row  # one study has no interval
            continue
        mean, low, high = (float(row[key]) for key in ("hypervolume", "hypervolume_low", "hypervolume_high"))
        assert low <= mean <= high < 1, row
    by_budget = [float(r["hypervolume"]) for r in rows if r["search"] == "evolution" and r["unit"] == "trials"]
    assert by_budget == sorted(by_budget), by_budget
    assert "accuracy 0.1, 300,000,000 MACs, 1,000,000 parameters" in study("compare", folder, "--reference", "0.1,3e8,1e6")
    table = study("table3", folder)
    assert table.count(f"TC {TRIALS}") == 3 and table.count("PC ") == 3, table


def check_bad_input(folder, out):
    empty = folder / "empty"
    empty.mkdir()
    refused("no study", "show", empty)
    refused("no study below", "list", empty)
    refused("no such directory", "list", folder / "nowhere")
    refused("not a reference point", "show", out, "--reference", "1,1,1")
    refused("given twice", "compare", out, out)
    search(folder / "other", "random", 1, 1, ["--sram", "300KiB"])
    refused(r"other, sram_limit_bytes: studies that cannot be compared \(got 307200, wanted 327680\)", "compare", out, folder / "other")
    damaged = folder / "damaged"
    shutil.copytree(out, damaged)
    lines = (damaged / "journal.log").read_bytes().splitlines(keepends=True)
    (damaged / "journal.log").write_bytes(b"".join(lines[:4]) + b"not json\n" + b"".join(lines[4:]))
    refused("journal.log, line 5: line is not a JSON object", "show", damaged)
    (damaged / "journal.log").write_bytes(b"".join(lines)[:-20])  # torn behind the last record: a study that runs
    assert "1 running" in study("show", damaged)
    foreign = (b"".join(lines)).replace(b'"space":"table1_se"', b'"space":"table1"')
    (damaged / "journal.log").write_bytes(foreign)
    refused(r'space: a study of another program \(got "table1", wanted "table1_se"\)', "front", damaged)


def main():
    with tempfile.TemporaryDirectory() as name:
        studies = pathlib.Path(name) / "studies"
        for proposer, seed in (("evolution", 1), ("evolution", 2), ("nsga2", 1)):
            search(studies / f"{proposer}{seed}", proposer, seed)
        before = contents(studies)
        check_one(studies / "evolution1")
        check_many(studies)
        assert contents(studies) == before, "a command of llmnas study wrote to a study"
        check_bad_input(pathlib.Path(name), studies / "evolution1")


if __name__ == "__main__":
    sys.exit(main())
