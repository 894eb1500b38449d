#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the client of a language model costs a proposal apart from the server, beside the same steps in Python with its
standard library only (what a client written with json and dictionaries does; no jsonschema, no pydantic, no prompt).

    benchmarks/llm_overhead/run.py PROGRAM

PROGRAM is benchmark_llm_overhead_program. Both start from the same messages, schema and reply, one after the other."""
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time


def measure(function):
    """Best of 15 rounds' means, ns a call, as the program measures."""
    calls, means = 1, []
    while len(means) < 15:
        begin = time.perf_counter_ns()
        for _ in range(calls):
            function()
        took = time.perf_counter_ns() - begin
        if took < 2e7:
            calls *= 2
        else:
            means.append(took / calls)
    return min(means)


with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
    ours = json.loads(subprocess.run([sys.argv[1], "--inputs", file.name], stdout=subprocess.PIPE, check=True).stdout)
    inputs = json.load(file)
messages, schema, reply, stream = (inputs[k] for k in ("messages", "schema", "reply", "stream"))
choices = {name: set(map(str, values)) for name, values in inputs["choices"].items()}
conditional = {"se_ratio"}


def build():
    return json.dumps({"model": "m", "stream": True, "stream_options": {"include_usage": True}, "messages": messages,
                       "temperature": 1.5, "max_tokens": 2048, "min_p": 0.1, "top_k": 0, "top_p": 1.0, "seed": 7,
                       "response_format": {"type": "json_schema",
                                           "json_schema": {"name": "proposal", "schema": schema}}}).encode()


def read_whole():
    document = json.loads(reply)
    return document["choices"][0]["message"]["content"], document["choices"][0]["finish_reason"], document.get("usage")


def read_stream():
    text, reason = [], None
    for line in stream.encode().split(b"\n"):
        if not line.startswith(b"data: ") or line == b"data: [DONE]":
            continue
        for choice in json.loads(line[6:])["choices"]:
            text.append(choice["delta"].get("content") or "")
            reason = choice.get("finish_reason") or reason
    return "".join(text), reason


content = read_whole()[0]
assert read_stream()[0] == content


def network():
    stages = json.loads(content)
    if not isinstance(stages, list) or len(stages) != schema["maxItems"]:
        raise ValueError("stages")
    for stage in stages:
        for name, allowed in choices.items():
            if name in conditional and name not in stage:
                continue
            if str(stage[name]) not in allowed:
                raise ValueError(name)
        if stage.keys() - choices.keys():
            raise ValueError("unknown member")
    return stages


peer = {"request body": measure(build), "reply, whole": measure(read_whole), "reply, streamed": measure(read_stream),
        "network from the text": measure(network)}
with open("/proc/cpuinfo", encoding="utf-8") as file:
    processor = re.search(r"model name\s*: (.*)", file.read())
print(f"One core of {os.cpu_count()} ({processor.group(1) if processor else 'unknown'}), us a proposal, best of 15 rounds; prompt of "
      f"{ours['bytes of the prompt']:,} bytes behind 30 trials, reply of {ours['bytes of the reply']:,}, stream of "
      f"{ours['bytes of the stream']:,}\n")
print(f"| step | llmnas | Python {platform.python_version()}, standard library | ratio |\n|---|---|---|---|")
for step, ns in ours.items():
    if step.startswith(("bytes", "events")):
        continue
    other = f"{peer[step] / 1e3:.1f} | {peer[step] / ns:.1f}" if step in peer else "- | -"
    print(f"| {step} | {ns / 1e3:.1f} | {other} |")
for prompt in ("paper", "cost-aware"):
    steps = sum(ours[k] for k in (f"prompt ({prompt})", "request body", "network from the text", "space, costs and limits"))
    streamed = ours["reply, streamed"]
    print(f"| **a proposal, {prompt} prompt, whole reply** | **{(steps + ours['reply, whole']) / 1e3:.1f}** | - | - |")
    print(f"| **... streamed** | **{(steps + streamed) / 1e3:.1f}** | - | - |")
    print(f"| **... streamed, behind the server's last event** | "
          f"**{(steps + streamed / ours['events of the stream']) / 1e3:.1f}** | - | - |")
common = ("request body", "reply, streamed", "network from the text")
a, b = (sum(x[k] for k in common) / 1e3 for x in (ours, peer))
print(f"| **the three steps that both do, streamed** | **{a:.1f}** | **{b:.1f}** | **{b / a:.1f}** |")
