#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A search whose proposals come over HTTP from a server with scripted replies (no language model: this tests the road, not
the proposals): good ones become trials, bad ones are refused, counted and told back, and when the server dies evolution
goes on. The API key stands in no file and no output."""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

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

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"object": "list", "data": [{"id": "scripted"}]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.prompts.append("\n".join(m["content"] for m in request["messages"]))
        server.keys.add(self.headers["Authorization"])
        reply = server.replies.pop(0) if server.replies else "no more replies"
        self.answer({"model": "scripted", "choices": [{"index": 0, "finish_reason": "stop",
                                                       "message": {"role": "assistant", "content": reply}}],
                     "usage": {"prompt_tokens": 10, "completion_tokens": 20}})
        if not server.replies:
            threading.Thread(target=server.shutdown).start()
            server.socket.close()


def main():
    first, second = feasible_networks(2)
    outside = json.loads(json.dumps(first))
    outside[2]["kernel_size"] = 9
    tiny = json.loads(json.dumps(first))
    for block in tiny:
        block.update(output_channels=16, num_layers=1, stride=2, use_se=False)
    server = Server(["```json\n" + json.dumps(first) + "\n```", "Once upon a time there was a network.", json.dumps(outside),
                     json.dumps(first), json.dumps(tiny), json.dumps({"blocks": second})])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "study"
        done = subprocess.run(
            [PROGRAM, "search", "--out", str(out), "--trials", "3", "--llm-url", f"http://127.0.0.1:{server.server_port}",
             "--resolution", "32", "--images", "100", "--epochs", "1", "--batch", "50", "--validation-images", "100",
             "--recipe", "quick", "--threads", "1"],
            capture_output=True, text=True, timeout=300, env={**os.environ, "LLMNAS_LLM_API_KEY": KEY})
        assert done.returncode == 0, done.stderr
        results = json.loads((out / "results.json").read_text())
        assert [t["proposer"] for t in results["trials"]] == ["llm", "llm", "random"], results["trials"]
        assert results["trials"][0]["network"]["blocks"] == first and results["trials"][1]["network"]["blocks"] == second
        counts = {kind: n for kind, n in results["rejections"].items() if n}
        assert counts == {"malformed": 1, "out_of_space": 1, "duplicate": 1, "macs_low": 1, "no_reply": 2}, counts
        # What was refused is told back with the current value and the wanted range.
        last = server.prompts[-1]
        for wanted in ("kernel_size", "9", "3, 5, 7", "70"):
            assert wanted in last, f"{wanted} is not in the last prompt:\n{last}"
        assert server.keys == {f"Bearer {KEY}"}, server.keys
        assert KEY not in done.stdout + done.stderr
        for path in out.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    return 0


if __name__ == "__main__":
    sys.exit(main())
