#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The client against a real llama.cpp server with a tiny model (260,000 parameters, it tells stories): `llm check` describes
it; a search of 30 proposals gets 30 networks of the space through the schema, streamed, with an API key, and is replayed
without the server; with repair, and with the server killed and started again in the middle, all 30 become trials. Skipped
where tests/tools/llama_server.sh finds no server or the model is not there."""
import concurrent.futures
import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.journal_lines import journal  # noqa: E402

PROGRAM = os.environ["LLMNAS_PROGRAM"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(os.environ.get("LLMNAS_DATA_DIR") or ROOT / "data") / "llm" / "stories260K.gguf"
KEY = "sk-llama-0123456789-test"
PROPOSALS = 30
# A prompt of this context is short, which is what takes a quarter of the time; llm check sends a long one.
SEARCH = ["--proposals", str(PROPOSALS), "--llm-context", "1024", "--resolution", "32", "--images", "100", "--epochs", "1",
          "--batch", "50", "--validation-images", "100", "--recipe", "quick", "--threads", "1"]


def skip(reason):
    print(f"LLMNAS_SKIP: {reason}")
    return 77


class Llama:
    """The server on a port of its own, started when made."""

    def __init__(self, program, folder, port=None, key=None):
        if port is None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.log = pathlib.Path(folder) / f"llama_{port}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program, "-m", str(MODEL), "--alias", "stories260K", "-t", "1", "-np", "1", "-c", "4096", "-fa", "off",
                 "--override-kv", "llama.context_length=int:4096", "--host", "127.0.0.1", "--port", str(port),
                 *(["--api-key", key] if key else [])], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not self.is_up():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)

    def is_up(self):
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def environment(key=None):
    """Without data, too: what networks are trained on does not matter here, and generated images are read faster."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LLMNAS_")}
    return {**clean, "LLMNAS_LLM_API_KEY": key} if key else clean


def run(*arguments, key=None):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300, env=environment(key))


def run_on_terminal(*arguments, key=None):
    """With stderr on a terminal, where answers are shown as they come."""
    ours, theirs = pty.openpty()
    shown = []

    def read():
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the program has ended
                return
            if not piece:
                return
            shown.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=300,
                          env=environment(key))
    os.close(theirs)
    reader.join()
    os.close(ours)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, b"".join(shown).decode(errors="replace"))


def check(url):
    done = run("llm", "check", "--llm-url", url, "--json", key=KEY)
    assert done.returncode == 0, done
    report = json.loads(done.stdout)
    wanted = {"model": "stories260K", "model_listed": True, "models_listed": 1, "context": 4096, "schema": "json_schema",
              "refused": [], "usage_reported": True, "streamed": True, "usable": True}
    assert {name: report[name] for name in wanted} == wanted, report
    use = {name: found["use"] for name, found in report["sampling"].items()}
    assert use == dict.fromkeys(("temperature", "min_p", "top_k", "top_p", "seed", "max_tokens"), "honoured"), report
    assert report["speed"]["tokens"] > 300 and 1 < report["speed"]["tokens_per_second"], report
    assert 0 < report["speed"]["first_seconds"] < report["speed"]["seconds"], report
    assert len(report["architecture"]["network"]) == 5 and report["architecture"]["macs"] > 0, report
    print(f"llm check: {report['verdict']}; {report['speed']['tokens_per_second']:.0f} tokens/s")
    wrong = run("llm", "check", "--llm-url", url, key=KEY + "-wrong")
    assert wrong.returncode == 4 and "401" in wrong.stderr and "another API key" in wrong.stderr, wrong
    without = run("llm", "check", "--llm-url", url)
    assert without.returncode == 4 and "$LLMNAS_LLM_API_KEY" in without.stderr, without
    return [done, wrong, without]


def accounted(out):
    """The study's proposals: (trained as proposed, repaired, rejections by kind); none is lost, all lie in the space."""
    results = json.loads((out / "results.json").read_text())
    by_model = [t for t in results["trials"] if "instead_of" not in t]
    assert {t["proposer"] for t in by_model} <= {"llm"}, results["trials"]
    refused = {kind: n for kind, n in results["rejections"].items() if n}
    calls = results["calls"]
    for lost in ("malformed", "out_of_space", "no_reply", "illegal"):
        assert lost not in refused, refused
    assert all(t["state"] == "complete" for t in results["trials"]), results["trials"]
    assert len(by_model) + sum(refused.values()) == PROPOSALS == calls["proposals"] == calls["calls"], results
    assert not {"failed_calls", "cut_replies", "unused", "repaired_replies"} & calls.keys(), calls
    repaired = [t["repaired"] for t in by_model if "repaired" in t]
    return len(by_model) - len(repaired), repaired, refused


def plain_search(folder, url):
    out = folder / "plain"
    done = run_on_terminal("search", "--out", out, "--llm-url", url, *SEARCH, key=KEY)
    assert done.returncode == 0, done
    assert "language model: 100 tokens" in done.stderr, done.stderr[-2000:]  # they are shown as they come
    taken, _, refused = accounted(out)
    memory = refused.get("sram", 0) + refused.get("flash", 0)
    in_range = taken + memory + refused.get("duplicate", 0)
    print(f"{PROPOSALS} proposals, all in the space: {in_range} in the MAC range, {taken} within the memory limit too "
          f"({', '.join(f'{n} {kind}' for kind, n in refused.items())})")
    lines = [json.loads(line) for line in (out / "llm.jsonl").read_text().splitlines()]
    assert len(lines) == PROPOSALS and all(len(json.loads(line["reply"]["text"])) == 5 for line in lines)
    return out, done


def repaired_search(folder, logs, program):
    """The server dies once the study has some trials, and comes back when the search has noticed."""
    out, said = folder / "repaired", folder / "repaired.stderr"
    with Llama(program, logs) as server, said.open("wb") as stderr:
        search = subprocess.Popen([PROGRAM, "search", "--out", str(out), "--llm-url", server.url, "--llm-repair", *SEARCH],
                                  stdout=subprocess.DEVNULL, stderr=stderr, env=environment())

        def wait_for(happens):
            end = time.monotonic() + 120
            while not happens():
                assert search.poll() is None and time.monotonic() < end, said.read_text()
                time.sleep(0.02)

        try:
            record = out / "llm.jsonl"
            wait_for(lambda: record.exists() and record.read_bytes().count(b"\n") >= PROPOSALS // 3)
            server.kill()
            wait_for(lambda: "; request 2 in" in said.read_text())
            with Llama(program, logs, server.port):
                assert search.wait(timeout=300) == 0, said.read_text()
        finally:
            search.kill()
            search.wait()
    taken, repaired, refused = accounted(out)
    assert not refused and taken + len(repaired) == PROPOSALS, refused
    print(f"with repair, the server killed in the middle: {taken} trained as proposed, {len(repaired)} repaired")


def keyed_searches(folder, logs, program):
    """What a server with a key is asked, streamed, and the same search again from its record."""
    with Llama(program, logs, key=KEY) as server:
        done = check(server.url)
        out, searched = plain_search(folder, server.url)
    again = folder / "again"
    replayed = run("search", "--out", again, "--llm-replay", out / "llm.jsonl", *SEARCH)
    assert replayed.returncode == 0, replayed
    assert journal(again) == journal(out)
    for process in [*done, searched, replayed]:
        assert KEY not in process.stdout + process.stderr, process


def main():
    if not MODEL.exists():
        return skip(f"no llm/{MODEL.name} in $LLMNAS_DATA_DIR or ./data")
    found = subprocess.run([ROOT / "tests/tools/llama_server.sh", "--present"], capture_output=True, text=True)
    if found.returncode != 0:
        return skip(found.stdout.strip() or found.stderr.strip())
    program = found.stdout.splitlines()[-1]
    with tempfile.TemporaryDirectory() as logs, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.chdir(folder)
        with concurrent.futures.ThreadPoolExecutor() as pool:  # each search waits for its own server half of the time
            for part in [pool.submit(keyed_searches, folder, logs, program), pool.submit(repaired_search, folder, logs, program)]:
                part.result()
        for path in folder.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    return 0


if __name__ == "__main__":
    sys.exit(main())
