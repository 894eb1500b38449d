#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Four workers on one study, killed at random moments: a short form of study_workers_long.py."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.study_workers import kill_test  # noqa: E402


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        sys.exit(kill_test(directory, kills=20, trials=150, pause=0.05, seed=1))
