#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# label: long
"""llmnas search --workers, llmnas worker, what they say, and how they stop: on generated images."""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ["LLMNAS_PROGRAM"]
SMALL = ["--dataset", "generated", "--resolution", "32", "--images", "100", "--epochs", "2", "--batch", "50",
         "--validation-images", "50", "--recipe", "quick", "--proposer", "evolution", "--threads", "1"]
PLAIN = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}


def search(out, trials, *flags, code=0):
    done = subprocess.run([PROGRAM, "search", "--out", str(out), "--trials", str(trials), *SMALL, *flags],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    return done


def worker(out, *flags, code=0):
    done = subprocess.run([PROGRAM, "worker", "--study", str(out), *flags], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    return done


def records(out):
    return [json.loads(line) for line in (out / "journal.log").read_text().splitlines()]


def check_workers(out):
    """Two processes train; the parent reports."""
    done = search(out, 4, "--workers", "2")
    assert "Pareto front" in done.stdout and done.stderr.count("trial ") >= 4, done.stderr
    ends = [r for r in records(out) if r["op_code"] == 6]
    assert len(ends) == 4 and all(r["state"] == 1 for r in ends)
    processes = {r["worker_id"] for r in ends}
    assert len(processes) == 2, processes
    print("search --workers 2: 4 trials by 2 processes")


def check_worker_joins(out):
    """A worker needs the directory alone; of a study that is done it does nothing."""
    before = len(records(out))
    done = worker(out)
    assert "4 trials so far" in done.stderr and done.stdout == "", (done.stdout, done.stderr)
    assert len(records(out)) == before
    study = out.parent / "joined"
    search(study, 1, "--quiet")
    journal = study / "journal.log"
    journal.write_text(journal.read_text().replace('"--trials","1"', '"--trials","3"'))
    worker(study, "--threads", "1")
    assert sum(r["op_code"] == 6 for r in records(study)) == 3
    print("worker: takes everything from the study")


def check_worker_refuses(folder):
    bare = folder / "bare"
    bare.mkdir()
    assert "no such file" in worker(bare, code=1).stderr.lower(), "a directory without a study"
    (bare / "journal.log").write_text(
        '{"op_code":0,"worker_id":"w","study_name":"llmnas","directions":[2,1,1]}\n')
    assert "does not say how its search was started" in worker(bare, code=2).stderr
    with open(bare / "journal.log", "a") as journal:
        journal.write('{"op_code":2,"worker_id":"w","study_id":0,"user_attr":{"llmnas_command":["search","--no-such"]}}\n')
    assert "not one of this version" in worker(bare, code=2).stderr


def check_crash(folder):
    """A worker that is killed is replaced, and its trial is not lost."""
    out = folder / "killed"
    process = subprocess.Popen([PROGRAM, "search", "--out", str(out), "--trials", "4", "--workers", "2", *SMALL],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    victim = None
    while victim is None and process.poll() is None:
        time.sleep(0.05)
        leases = [r["user_attrs"]["lease"]["worker"] for r in records(out) if r["op_code"] == 4] \
            if (out / "journal.log").exists() else []
        victim = int(leases[0].split(":")[1]) if leases else None
    os.kill(victim, signal.SIGKILL)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert "a worker died (signal 9 (Killed)); another one goes on" in stderr, stderr
    ends = [r for r in records(out) if r["op_code"] == 6]
    assert sorted(r["trial_id"] for r in ends) == [0, 1, 2, 3] and all(r["state"] == 1 for r in ends)
    print("a killed worker is replaced: 4 of 4 trials")


def check_termination(folder):
    """SIGTERM to the search: workers save, release their trials and end; the same command goes on from there."""
    out = folder / "stopped"
    small = ["200" if before == "--epochs" else word for before, word in zip(["", *SMALL], SMALL)]
    command = [PROGRAM, "search", "--out", str(out), "--trials", "2", "--workers", "2", *small]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list((out / "checkpoints").glob("trial_*.ckpt")):
        time.sleep(0.1)
        assert process.poll() is None, process.stderr.read()
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGTERM)  # as Slurm does: to all of them
    _, stderr = process.communicate(timeout=60)
    seconds = time.monotonic() - begin
    assert process.returncode == 130 and "the same command continues" in stderr, stderr
    leases = {r["trial_id"]: r["user_attr"]["lease"]["worker"] for r in records(out) if "lease" in r.get("user_attr", {})}
    opened = sum(r["op_code"] == 4 for r in records(out))
    assert leases == {n: "" for n in range(opened)}, leases
    assert not any("crashes" in r.get("user_attr", {}) for r in records(out))
    print(f"SIGTERM: {opened} trials saved and released in {seconds:.1f} s")


def check_json(folder):
    out = folder / "json"
    done = search(out, 2, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [e["event"] for e in events]
    assert names.count("trial_started") == names.count("trial_ended") == 2 and names.count("epoch") == 4, names
    assert names[-1] == "finished" and events[-1]["complete"] == 2 and events[-1]["front"], events[-1]
    assert events[-1]["locks"]["count"] > 0
    assert "message" in names and done.stderr == "", done.stderr
    quiet = search(out, 2, "--quiet")
    assert quiet.stderr == "" and "Pareto front" in quiet.stdout
    refused = search(out, 2, "--quiet", "--json", code=2)
    assert "excludes" in refused.stderr, refused.stderr
    print("--json and --quiet")


def on_terminal(arguments, environment):
    """What a command draws on a terminal of 100 columns."""
    master, slave = pty.openpty()
    process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=slave,
                               env={**PLAIN, "COLUMNS": "100", "TERM": "xterm", **environment})
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        text += piece
    assert process.wait(timeout=300) == 0, text
    os.close(master)
    return text.decode()


def check_terminal(folder):
    for name, environment, colours in (("colour", {}, True), ("plain", {"NO_COLOR": "1"}, False)):
        drawn = on_terminal(["search", "--out", str(folder / name), "--trials", "2", *SMALL], environment)
        lines = [part for part in re.split(r"[\r\n]", drawn) if "ETA" in part]
        assert lines and re.search(r"\[#+\.*\] 1/2  ETA \d+:\d\d  front 1, best \d+\.\d %", drawn), drawn
        assert all(len(line.replace("\033[K", "")) < 100 for line in lines), "a line is wider than the terminal"
        assert ("\033[32m" in drawn) == colours, repr(drawn)
    print("on a terminal: front and ETA in one line; no colours with NO_COLOR")


def main():
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        check_workers(folder / "study")
        check_worker_joins(folder / "study")
        check_worker_refuses(folder)
        check_crash(folder)
        check_termination(folder)
        check_json(folder)
        check_terminal(folder)


if __name__ == "__main__":
    sys.exit(main())
