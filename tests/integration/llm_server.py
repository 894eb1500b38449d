#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A search whose proposals come over HTTP from a server with scripted replies (no language model: this tests the road, not
the proposals): good ones become trials, bad ones are refused, counted and told back, and when the server dies evolution
goes on. The API key stands in no file and no output, whatever the server quotes of it. What was recorded, played again
without a server, gives the same journal but for time stamps; played to another search, it says where the two part. The same
with all flags of proposing at once."""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.journal_lines import journal  # noqa: E402

PROGRAM = os.environ["LLMNAS_PROGRAM"]
KEY = "sk-scripted-0123456789"


def feasible_networks(count):
    done = subprocess.run([PROGRAM, "space", "--sample", str(count), "--feasible", "--seed", "11"], capture_output=True,
                          text=True, check=True)
    return [json.loads(line)["candidate_config"]["blocks"] for line in done.stdout.splitlines()]


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, replies):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.prompts, self.keys = replies, [], set()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, document, status=200):
        html = isinstance(document, str)
        body = document.encode() if html else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if html else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"object": "list", "data": [{"id": "scripted"}]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        if "kelp-7f3a" in json.dumps(request):  # asked once: does the server honour a schema?
            return self.answer({"choices": [{"message": {"content": '{"probe": "kelp-7f3a"}'}, "finish_reason": "stop"}]})
        server.prompts.append("\n".join(m["content"] for m in request["messages"]))
        server.keys.add(self.headers["Authorization"])
        reply = server.replies.pop(0) if server.replies else "no more replies"
        quoted = f"no such slot; the request had Authorization: {self.headers['Authorization']}"
        if reply == "error":
            self.answer({"error": {"code": 500, "message": "x" * 240 + quoted, "type": quoted}}, 500)
        elif reply == "page":
            self.answer(f"<html><body><h1>{quoted}</h1></body></html>", 504)
        else:
            self.completion(reply)
        if not server.replies:
            threading.Thread(target=server.shutdown).start()
            server.socket.close()

    def completion(self, reply):
        self.answer({"model": "scripted", "choices": [{"index": 0, "finish_reason": "stop",
                                                       "message": {"role": "assistant", "content": reply}}],
                     "usage": {"prompt_tokens": 10, "completion_tokens": 20}})


FIDELITY = ["--resolution", "32", "--images", "100", "--epochs", "1", "--batch", "50", "--validation-images", "100", "--recipe",
            "quick", "--threads", "1"]


def search(out, *flags):
    return subprocess.run([PROGRAM, "search", "--out", str(out), *FIDELITY, *flags], capture_output=True, text=True,
                          timeout=300, env={**os.environ, "LLMNAS_LLM_API_KEY": KEY})


def check_no_key(folder, *processes):
    for process in processes:
        assert KEY not in process.stdout + process.stderr, process
    for path in pathlib.Path(folder).rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def all_flags_at_once():
    """Batches of explained networks, asked ahead in a conversation, with repair and a budget of proposals: every proposal is
    accounted for, and the record gives the same search."""
    networks = feasible_networks(5)
    outside = json.loads(json.dumps(networks[4]))
    outside[2]["kernel_size"] = 9
    why = f"Stage 1 has a stride of 1. Authorization: Bearer {KEY}"

    def batch(*of):
        return json.dumps([{"blocks": blocks, "explanation": why} for blocks in of])

    server = Server([batch(networks[0], outside, networks[0]), f"What is {KEY}?", "error",
                     batch(networks[1], networks[2], networks[3])[:-900], batch(networks[3]), batch(*networks[1:4])])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--llm-explain", "--llm-batch", "3", "--llm-conversation", "2", "--llm-ahead", "2", "--llm-repair",
             "--proposals", "10"]
    with tempfile.TemporaryDirectory() as folder:
        out, again = pathlib.Path(folder) / "study", pathlib.Path(folder) / "again"
        done = search(out, "--llm-url", f"http://127.0.0.1:{server.server_port}", *flags)
        assert done.returncode == 0, done.stderr
        results = json.loads((out / "results.json").read_text())
        trials, calls, refused = results["trials"], results["calls"], sum(results["rejections"].values())
        assert {t["proposer"] for t in trials} == {"llm"}, trials
        assert len(trials) + refused == 10 == calls["proposals"] - calls.get("unused", 0), results
        counts = {kind: n for kind, n in results["rejections"].items() if n}
        assert counts.keys() >= {"malformed", "no_reply", "duplicate"}, counts
        assert trials[1]["repaired"].startswith("out_of_space: stage 3 kernel_size 9 -> "), trials[1]
        assert all(t["explanation"] == "Stage 1 has a stride of 1. Authorization: Bearer ***" for t in trials), trials
        assert any("shown" in t for t in trials), trials
        # Earlier answers are shown, without the key.
        assert any("Bearer ***" in prompt for prompt in server.prompts[1:]), server.prompts[1:]
        replayed = search(again, "--llm-replay", str(out / "llm.jsonl"), *flags)
        assert replayed.returncode == 0, replayed.stderr
        assert journal(again) == journal(out)
        told = subprocess.run([PROGRAM, "explain", "--study", str(again), "--trial", "1"], capture_output=True, text=True,
                              check=True)
        assert "Stage 1 has a stride of 1" in told.stdout, told
        check_no_key(folder, done, replayed, told)


def nothing_to_train():
    """A budget of proposals that ends before the first trial: a failure that says so, with everything counted."""
    server = Server(["Once upon a time.", "There was a network."])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "study"
        done = search(out, "--llm-url", f"http://127.0.0.1:{server.server_port}", "--proposals", "2")
        assert done.returncode == 1, done
        assert "no proposal became a trial (got 2 refused" in done.stderr, done.stderr
        results = json.loads((out / "results.json").read_text())
        assert results["rejections"]["malformed"] == 2 == results["calls"]["proposals"] and not results["trials"], results


def scripted_search():
    first, second = feasible_networks(2)
    outside = json.loads(json.dumps(first))
    outside[2]["kernel_size"] = 9
    tiny = json.loads(json.dumps(first))
    for block in tiny:
        block.update(output_channels=16, num_layers=1, stride=2, use_se=False)
    server = Server(["```json\n" + json.dumps(first) + "\n```", "Once upon a time there was a network.", json.dumps(outside),
                     "error", json.dumps(first), json.dumps(tiny), f"Is {KEY} your key?", json.dumps({"blocks": second}),
                     "page"])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "study"
        done = search(out, "--trials", "3", "--llm-url", f"http://127.0.0.1:{server.server_port}")
        assert done.returncode == 0, done.stderr
        results = json.loads((out / "results.json").read_text())
        assert [t["proposer"] for t in results["trials"]] == ["llm", "llm", "random"], results["trials"]
        assert results["trials"][0]["network"]["blocks"] == first and results["trials"][1]["network"]["blocks"] == second
        counts = {kind: n for kind, n in results["rejections"].items() if n}
        assert counts == {"malformed": 2, "out_of_space": 1, "duplicate": 1, "macs_low": 1, "no_reply": 3}, counts
        # What was refused is told back with the current value and the wanted range.
        for number, wanted in ((3, "kernel_size"), (3, "9"), (3, "3, 5, 7"), (6, "70")):
            assert wanted in server.prompts[number], f"{wanted} is not in the prompt:\n{server.prompts[number]}"
        assert server.keys == {f"Bearer {KEY}"}, server.keys

        # Every exchange is on disk, the failed ones too.
        lines = [json.loads(line) for line in (out / "llm.jsonl").read_text().splitlines()]
        assert all(line["request"]["messages"][-1]["content"] in prompt for line, prompt in zip(lines, server.prompts))
        assert ["error" in line for line in lines] == [False] * 3 + [True] + [False] * 4 + [True] * 2, lines
        assert "***" in lines[3]["error"]["got"] and lines[6]["reply"]["text"] == "Is *** your key?", lines

        again = pathlib.Path(folder) / "again"
        replayed = search(again, "--trials", "3", "--llm-replay", str(out / "llm.jsonl"))
        assert replayed.returncode == 0, replayed.stderr
        assert journal(again) == journal(out)
        assert not (again / "llm.jsonl").exists()
        parted = search(pathlib.Path(folder) / "parted", "--trials", "3", "--llm-replay", str(out / "llm.jsonl"), "--macs",
                        "70M:300M")
        assert parted.returncode == 2, parted
        for wanted in ("the prompt differs from the recorded one", "exchange 1, message 2 (user), line", "300"):
            assert wanted in parted.stderr, parted.stderr
        unrecorded = pathlib.Path(folder) / "unrecorded"
        alone = search(unrecorded, "--trials", "3", "--no-llm-record", "--proposer", "random")
        assert alone.returncode == 0 and not (unrecorded / "llm.jsonl").exists()

        check_no_key(folder, done, replayed, parted)


def main():
    scripted_search()
    all_flags_at_once()
    nothing_to_train()
    return 0


if __name__ == "__main__":
    sys.exit(main())
