#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`llmnas llm check` against servers that are of no use: exit codes, what is said, and that the key is not."""
import http.server
import json
import os
import subprocess
import sys
import threading

PROGRAM = os.environ["LLMNAS_PROGRAM"]
KEY = "sk-scripted-0123456789"


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, key=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.key, self.posts = key, 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, document, status=200):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.server.key and self.headers["Authorization"] != f"Bearer {self.server.key}":
            return self.answer({"error": {"message": f"no such key: {self.headers['Authorization']}"}}, 401)
        if self.path != "/v1/models":
            return self.answer({"error": {"message": "no such page"}}, 404)
        self.answer({"object": "list", "data": [{"id": "storyteller"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1
        self.answer({"choices": [{"message": {"content": "Once upon a time there was a network."},
                                  "finish_reason": "stop"}]})


def check(*flags):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLMNAS_LLM_")}
    done = subprocess.run([PROGRAM, "llm", "check", *flags], capture_output=True, text=True, timeout=120,
                          env={**environment, "LLMNAS_LLM_API_KEY": KEY})
    assert KEY not in done.stdout + done.stderr, done
    return done


def main():
    server = Server()
    useless = check("--llm-url", server.url)
    assert useless.returncode == 1 and not useless.stderr, useless
    assert server.posts <= 18, server.posts  # seven for the schema, eight for sampling, three for a network
    for wanted in ("storyteller (of 1 listed)", "the server does not say", "honoured in no form", "answers come whole",
                   "not reported", "every answer is the same", "none in 3 answers",
                   "\nnot usable: no network in 3 requests; the last: "):
        assert wanted in useless.stdout, useless.stdout
    report = json.loads(check("--llm-url", server.url, "--llm-model", "another", "--json").stdout)
    assert (report["usable"], report["model"], report["model_listed"]) == (False, "another", False), report
    assert report["architecture"]["rejection"] == "malformed", report
    assert {found["use"] for found in report["sampling"].values()} == {"cannot be told"}, report

    refused = check("--llm-url", Server(key="sk-another").url)
    assert refused.returncode == 4 and "401" in refused.stderr and "another API key" in refused.stderr, refused
    nowhere = check("--llm-url", "http://127.0.0.1:1")
    assert nowhere.returncode == 4 and "nothing answers there" in nowhere.stderr, nowhere
    for bad in (["--llm-url", "ftp://somewhere"], ["--llm-url", server.url, "--macs", "9:1"], ["--nothing"]):
        assert check(*bad).returncode == 2, bad
    return 0


if __name__ == "__main__":
    sys.exit(main())
