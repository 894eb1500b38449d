# SPDX-License-Identifier: MIT
"""Journals of studies, for integration tests to compare."""
import json

# The command line, too: a replay has other flags than the search that it repeats.
TELLS_OF_TIME_OR_PROCESS = ("datetime_start", "datetime_complete", "worker_id", "lease", "seconds", "seconds_waited",
                            "images_per_second", "llmnas_command")


def journal(out):
    """The records of a study's journal without what tells of time or process."""
    def clean(value):
        if isinstance(value, dict):
            return {k: clean(v) for k, v in value.items() if k not in TELLS_OF_TIME_OR_PROCESS}
        return value
    return [clean(json.loads(line)) for line in (out / "journal.log").read_text().splitlines()]
