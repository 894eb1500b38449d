#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# label: long
"""examples/slurm on a slurmctld and a slurmd of its own on this machine: a job array finishes a study, scancel releases
its trials. Needs root and Debian's slurmctld, slurmd, slurm-client and munge."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ["LLMNAS_PROGRAM"]
JOB = str(pathlib.Path("examples/slurm/worker.sbatch").resolve())
SMALL = ["--dataset", "generated", "--resolution", "32", "--images", "100", "--batch", "50", "--validation-images", "50",
         "--recipe", "quick", "--proposer", "evolution"]
CONFIG = """ClusterName=llmnas
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
KillWait=30
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=60 State=UP
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    """One node; its daemons end with the test."""

    def __init__(self, folder):
        self.folder, self.daemons = folder, []
        for name in ("state", "spool", "munge"):
            (folder / name).mkdir()
        config = folder / "slurm.conf"
        config.write_text(CONFIG.format(host=socket.gethostname(), folder=folder, controller=free_port(),
                                        node=free_port()))
        self.environment = {**os.environ, "SLURM_CONF": str(config)}
        munge = folder / "munge"
        (munge / "key").write_bytes(os.urandom(128))
        for path in (munge, munge / "key"):
            shutil.chown(path, "munge", "munge")
        (munge / "key").chmod(0o600)
        munge.chmod(0o755)
        folder.chmod(0o755)
        self.start("runuser", "-u", "munge", "--", "munged", "--foreground", f"--key-file={munge}/key",
                   f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--log-file={munge}/log",
                   f"--seed-file={munge}/seed")
        self.wait_for(lambda: (munge / "socket").exists(), "munged")
        self.start("slurmctld", "-D", "-f", str(config))
        self.start("slurmd", "-D", "-f", str(config))
        self.wait_for(lambda: "idle" in self.run("sinfo", "-h", "-o", "%t", check=False).stdout, "slurmd")

    def start(self, *command):
        with open(self.folder / f"{len(self.daemons)}.out", "wb") as out:
            self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=out, stderr=out))

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def run(self, *command, check=True):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=check, timeout=300)

    def wait_for(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{what} takes too long: " + "".join(
                p.read_text(errors="replace")[-1500:] for p in sorted(self.folder.glob("*.out")) + sorted(self.folder.glob("*.log")))
            time.sleep(0.2)

    def submit(self, study, *flags):
        out = self.run("sbatch", "--parsable", "--time=10", "--cpus-per-task=1", f"--output={self.folder}/job-%A_%a.log",
                       f"--export=ALL,STUDY={study},LLMNAS={PROGRAM}", *flags, JOB)
        return out.stdout.strip().split(";")[0]

    def logs(self):
        return "".join(p.read_text() for p in sorted(self.folder.glob("job-*.log")))


def make_study(out, trials, epochs):
    done = subprocess.run([PROGRAM, "search", "--out", str(out), "--workers", "0", "--trials", str(trials), "--epochs",
                           str(epochs), *SMALL], capture_output=True, text=True)
    assert done.returncode == 0 and "llmnas worker --study" in done.stderr, done.stderr


def records(study):
    return [json.loads(line) for line in (study / "journal.log").read_text().splitlines()]


def check_array(cluster):
    study = cluster.folder / "array"
    make_study(study, 6, 2)
    cluster.submit(study, "--array=1-2", "--wait")
    ends = [r for r in records(study) if r["op_code"] == 6]
    assert sorted(r["trial_id"] for r in ends) == list(range(6)) and all(r["state"] == 1 for r in ends), cluster.logs()
    workers = {r["worker_id"] for r in ends}
    assert len(workers) == 2, workers
    print("job array: 6 trials by 2 tasks")


def check_cancel(cluster):
    study = cluster.folder / "cancelled"
    make_study(study, 2, 500)
    job = cluster.submit(study, "--array=1-2")
    cluster.wait_for(lambda: len(list(study.glob("checkpoints/*.ckpt"))) == 2, "training")
    begin = time.monotonic()
    cluster.run("scancel", job)
    cluster.wait_for(lambda: not cluster.run("squeue", "-h").stdout.strip(), "scancel")
    leases = {r["trial_id"]: r["user_attr"]["lease"]["worker"] for r in records(study) if "lease" in r.get("user_attr", {})}
    assert leases == {0: "", 1: ""}, (leases, cluster.logs())
    assert len(list(study.glob("checkpoints/*.ckpt"))) == 2
    print(f"scancel: 2 trainings saved, their trials free {time.monotonic() - begin:.1f} s later")


def main():
    missing = [p for p in ("slurmctld", "slurmd", "sbatch", "munged") if not shutil.which(p)]
    if missing or os.getuid() != 0:
        print(f"LLMNAS_SKIP: {', '.join(missing)} not installed" if missing else "LLMNAS_SKIP: needs root")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        cluster = None
        try:
            cluster = Cluster(pathlib.Path(directory))
            check_array(cluster)
            check_cancel(cluster)
        finally:
            if cluster:
                cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
