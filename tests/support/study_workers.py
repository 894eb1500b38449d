# SPDX-License-Identifier: MIT
"""Workers on one study that only sleep (tests/study_worker), and what must be true of the study whatever killed them."""
import json
import os
import pathlib
import random
import signal
import subprocess
import time

WORKER = os.environ.get("LLMNAS_STUDY_WORKER", "")


class Workers:
    """Processes on one study; a killed one is started again. Each writes what it believes to be in the journal."""

    def __init__(self, folder, count, options):
        self.study = pathlib.Path(folder) / "study"
        self.options = options
        self.logs = []
        self.running = [self.start() for _ in range(count)]

    def start(self):
        log = self.study.parent / f"worker_{len(self.logs)}"
        self.logs.append(log)
        with open(log, "wb") as out, open(f"{log}.err", "wb") as err:
            return subprocess.Popen([WORKER, str(self.study), json.dumps(self.options)], stdout=out, stderr=err)

    def kill(self, number, sig=signal.SIGKILL):
        """Kills a worker and starts another one at once; the dead one is not waited for before. False: it was done."""
        victim = self.running[number]
        if victim.poll() is not None:
            return False
        victim.send_signal(sig)
        self.running[number] = self.start()
        victim.wait()
        return True

    def kill_training(self, number):
        """Kills the training that a worker waits for, where there is one."""
        children = pathlib.Path(f"/proc/{self.running[number].pid}/task/{self.running[number].pid}/children")
        try:
            pid = int(children.read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            return True
        except (OSError, IndexError):
            return False

    def wait(self, timeout=600):
        for process in self.running:
            process.wait(timeout=timeout)
        for process, log in zip(self.running, self.logs[-len(self.running):]):
            assert process.returncode == 0, f"exit code {process.returncode}"

    def results(self):
        return json.loads(subprocess.run([WORKER, "--results", str(self.study)], capture_output=True, check=True).stdout)

    def lines(self):
        """What the workers said; the last line of a killed one may be cut."""
        for log in self.logs:
            for line in log.read_bytes().split(b"\n")[:-1]:
                yield json.loads(line)


def trials_of(study):
    """The trials by this reader of the journal, by number: parameters, and the record that ended each."""
    trials, ends = [], {}
    for line in (study / "journal.log").read_text().splitlines():
        record = json.loads(line)
        if record["op_code"] == 4:
            trials.append(record)
        if record["op_code"] == 6:
            assert record["trial_id"] not in ends, f"trial {record['trial_id']} ended twice"
            ends[record["trial_id"]] = record
    return trials, ends


def dominates(a, b):
    """Accuracy up, costs down."""
    better = [a[0] >= b[0], a[1] <= b[1], a[2] <= b[2]]
    return all(better) and a != b


def check(workers, wanted):
    """Exact counts, nothing lost or counted twice, the front of what survived."""
    trials, ends = trials_of(workers.study)
    assert len(trials) == wanted, f"{len(trials)} trials in the journal, {wanted} wanted"
    assert sorted(ends) == list(range(wanted)), f"{wanted - len(ends)} trials without an end"
    states = [ends[n]["state"] for n in range(wanted)]
    assert states == [1] * wanted, f"not finished: {[n for n, s in enumerate(states) if s != 1]}"
    networks = {json.dumps(t["params"], sort_keys=True) for t in trials}
    assert len(networks) == wanted, f"{wanted - len(networks)} architectures were trained twice"
    said = {}
    for line in workers.lines():
        if "ended" in line:
            assert line["ended"] not in said, f"two workers ended trial {line['ended']}"
            said[line["ended"]] = line["values"]
    for number, values in said.items():
        assert ends[number]["values"] == values, f"trial {number} was journalled with {ends[number]['values']}, not {values}"
    front = [n for n in range(wanted)
             if not any(dominates(ends[m]["values"], ends[n]["values"]) for m in range(wanted))]
    results = workers.results()
    assert results["front"] == front, (results["front"], front)
    assert len(results["trials"]) == wanted
    assert not (workers.study / "journal.log.lock").is_symlink(), "a lock was left behind"
    assert not list((workers.study / "checkpoints").iterdir()), "checkpoints were left behind"
    return len(said), len(front)


def kill_test(folder, kills, trials, pause, seed):
    """SIGKILL at random moments to random workers, every fifth to the training of one; the study comes to its end."""
    moments = random.Random(seed)
    workers = Workers(folder, 4, {"trials": trials, "epochs": 2, "milliseconds": 10, "retries": 20})
    begin = time.monotonic()
    done = {"worker": 0, "training": 0}
    while sum(done.values()) < kills:
        time.sleep(moments.uniform(0, 2 * pause))
        number = moments.randrange(4)
        if moments.randrange(5) == 0:
            done["training"] += workers.kill_training(number)
        elif workers.kill(number):
            done["worker"] += 1
        else:
            raise AssertionError(f"the study was finished before {kills} kills")
    workers.wait()
    seconds = time.monotonic() - begin
    said, front = check(workers, trials)
    journal = (workers.study / "journal.log").read_text()
    print(f"{done['worker']} workers and {done['training']} trainings killed in {seconds:.1f} s: {trials} trials, each "
          f"finished once ({said} seen to the end by their workers), {front} on the front; "
          f"{journal.count('crashes')} trainings run again")
