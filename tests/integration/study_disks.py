#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A study on a disk that is full, and on one that cannot be written: in a mount namespace of its own."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

WORKER = os.environ["LLMNAS_STUDY_WORKER"]
OPTIONS = {"trials": 200, "in_process": True}


def run(study, code):
    done = subprocess.run([WORKER, str(study), json.dumps(OPTIONS)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    return done.stderr


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def in_namespace(folder):
    disk = pathlib.Path(folder) / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "none", str(disk))
    said = run(disk / "study", 1)
    assert "No space left on device" in said, said
    journal = (disk / "study/journal.log").read_text()
    assert journal.endswith("\n"), "half a record stayed behind"
    finished = sum(json.loads(line)["op_code"] == 6 for line in journal.splitlines())
    assert finished > 3, journal
    mount("-o", "remount,size=8m", str(disk))
    run(disk / "study", 0)
    ends = [json.loads(line) for line in (disk / "study/journal.log").read_text().splitlines()]
    assert sum(r["op_code"] == 6 and r["state"] == 1 for r in ends) == OPTIONS["trials"]
    print(f"full disk: stopped behind {finished} trials with the reason, went on when there was room")

    mount("-o", "remount,ro", str(disk))
    said = run(disk / "study", 1)
    assert "cannot open the study's journal" in said and "Read-only file system" in said, said
    said = run(disk / "other", 1)
    assert "cannot make the study's directory" in said and "Read-only file system" in said, said
    subprocess.run(["umount", str(disk)], check=True)
    print("read-only disk: refused with the reason")


def main():
    if len(sys.argv) > 1:
        return in_namespace(sys.argv[1])
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        print("LLMNAS_SKIP: no mount namespaces here (they need root)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(["unshare", "--mount", sys.executable, __file__, folder]).returncode


if __name__ == "__main__":
    sys.exit(main())
