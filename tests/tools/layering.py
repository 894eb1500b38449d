# SPDX-License-Identifier: MIT
"""Arrows between the layers point one way only.

    layering.py INCLUDE_DIR   reads the #include graph below INCLUDE_DIR/llmnas, fails on every arrow not allowed
    layering.py --self-check  checks on made-up graphs that it finds what it should
"""
import pathlib
import re
import sys
import tempfile

# What each layer stands on; what those stand on comes with it.
ON = {
    "core": [],
    "space": ["core"],
    "cost": ["core"],
    "mcu": ["cost"],
    "zoo": ["core"],
    "engine": ["core", "cost", "mcu"],
    "json": ["core", "space", "cost", "mcu", "zoo"],
    "search": ["json"],
    "llm": ["search", "json"],
    "train": ["json"],
    "deploy": ["train", "engine"],
    "cli": ["core", "space", "cost", "mcu", "zoo", "engine", "json", "search", "llm", "train", "deploy"],
}
# Single files and folders that stand on more than their layer, and the umbrellas.
ALSO = {
    "cost/bounds.hpp": ["space"],
    "cost/bounds/": ["space"],
    "static.hpp": ["core", "space", "cost", "mcu", "zoo"],
    "engine.hpp": ["core", "cost", "mcu", "engine"],
    "llmnas.hpp": [layer for layer in ON if layer != "cli"],
}
# Libraries and who may include them; every other one from outside the standard library fails, too.
FOREIGN = {
    "boost/": set(ON),
    "tl/": set(ON) - {"space", "cost", "mcu", "zoo", "engine"},
    "fmt/": {"json", "search", "llm", "train", "deploy", "cli"},
    "nlohmann/": {"json", "llm", "train"},
    "httplib.h": {"llm"},
    "CLI/": {"cli"},
    "torch/": {"train", "deploy", "cli"},
    "ATen/": {"train", "deploy", "cli"},
    "c10/": {"train", "deploy", "cli"},
    "caffe2/": {"train", "deploy"},
    "onnx": {"deploy"},
    "openssl/": {"train"},
    "png.h": {"train"},
    "jpeglib.h": {"train"},
    "jerror.h": {"train"},
}
# What searches and trains must not open the test split (train/dataset.hpp); a final evaluation does.
NEVER_NAMED = {"for_final_report": ("json/", "search/", "llm/", "cli/search", "cli/program_search", "train/trainer",
                                    "train/batches", "train/evaluate", "train/checkpoint")}
# Firmware compiles these: whatever they reach is freestanding.
NEVER_REACHED = {"engine.hpp": ["llmnas/space/", "llmnas/zoo/", "boost/"]}


def layers_below(layer):
    below = set()
    for other in ON.get(layer, []):
        below |= {other} | layers_below(other)
    return below


def layer_of(name):
    return name.split("/")[0] if "/" in name else name


def problems(include):
    root = pathlib.Path(include) / "llmnas"
    graph = {}
    for file in sorted(root.rglob("*.hpp")):
        # A raw string may hold a generated header: its includes are not ours.
        text = re.sub(r'R"(\w*)\(.*?\)\1"', lambda raw: "\n" * raw[0].count("\n"), file.read_text(), flags=re.S)
        lines = text.splitlines()
        name = file.relative_to(root).as_posix()
        for word, files in NEVER_NAMED.items():
            if name.startswith(files) and word in text:
                yield f"llmnas/{name} names {word}"
        graph[name] = [
            (number, match[1]) for number, line in enumerate(lines, 1)
            if (match := re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line))]

    for name, includes in graph.items():
        layer = layer_of(name)
        if layer not in ON and name not in ALSO:
            yield f"llmnas/{name}: unknown layer '{layer}' (tests/tools/layering.py lists them)"
            continue
        allowed = {layer} | layers_below(layer)
        for other in ALSO.get(name, []) + ALSO.get(name.rpartition("/")[0] + "/", []):
            allowed |= {other} | layers_below(other)
        for number, target in includes:
            if target.startswith("llmnas/"):
                inner = target.removeprefix("llmnas/")
                if inner not in graph:
                    yield f"llmnas/{name}:{number}: <{target}> does not exist"
                elif inner in ALSO and "/" not in inner:  # an umbrella: for users, and for larger umbrellas
                    if "/" in name or not set(ALSO[inner]) <= allowed:
                        yield f"llmnas/{name}:{number}: {layer} must not include <{target}>"
                elif layer_of(inner) not in allowed:
                    yield f"llmnas/{name}:{number}: {layer} must not include <{target}>"
                continue
            for prefix, users in FOREIGN.items():
                if target.startswith(prefix):
                    if layer not in users:
                        yield f"llmnas/{name}:{number}: {layer} must not include <{target}>"
                    break
            else:
                if target.endswith(".hpp") or target.startswith("."):
                    yield f"llmnas/{name}:{number}: <{target}> is of a library that no layer may use"

    done, path = set(), []

    def cycles(name):  # #pragma once hides a circle until someone includes its other end first
        if name in path:
            yield "circle: " + " -> ".join([*path[path.index(name):], name])
        elif name in graph and name not in done:
            path.append(name)
            for _, target in graph[name]:
                yield from cycles(target.removeprefix("llmnas/"))
            path.pop()
            done.add(name)

    for name in graph:
        yield from cycles(name)

    def reached(name, seen):
        for _, target in graph.get(name, []):
            if target not in seen:
                seen.add(target)
                reached(target.removeprefix("llmnas/"), seen)
        return seen

    for name, forbidden in NEVER_REACHED.items():
        for target in sorted(reached(name, set())):
            if target.startswith(tuple(forbidden)):
                yield f"llmnas/{name} reaches <{target}>"


def self_check():
    cases = {
        "arrows down pass": ({"core/a.hpp": "<array>", "cost/b.hpp": "<llmnas/core/a.hpp>",
                              "mcu/c.hpp": "<llmnas/core/a.hpp>", "static.hpp": "<llmnas/mcu/c.hpp>"}, None),
        "an arrow up is found": ({"core/a.hpp": "<llmnas/cost/b.hpp>", "cost/b.hpp": ""}, "core must not include"),
        "an arrow sideways is found": ({"mcu/a.hpp": "<llmnas/space/b.hpp>", "space/b.hpp": ""}, "mcu must not"),
        "a relative include counts": ({"train/a.hpp": '"llmnas/search/b.hpp"', "search/b.hpp": ""}, "train must not"),
        "bounds may use the space": ({"cost/bounds.hpp": "<llmnas/space/b.hpp>", "space/b.hpp": ""}, None),
        "and so may a folder of theirs": ({"cost/bounds/a.hpp": "<llmnas/space/b.hpp>", "space/b.hpp": ""}, None),
        "other costs may not": ({"cost/macs.hpp": "<llmnas/space/b.hpp>", "space/b.hpp": ""}, "cost must not"),
        "an umbrella inside is found": ({"json/a.hpp": "<llmnas/static.hpp>", "static.hpp": ""}, "json must not"),
        "an umbrella in a larger one passes": ({"llmnas.hpp": "<llmnas/static.hpp>", "static.hpp": ""}, None),
        "a library too heavy is found": ({"core/a.hpp": "<fmt/format.h>"}, "core must not"),
        "an include in a raw string is text": ({"search/a.hpp": '<array>\nauto s = R"(\n#include <llmnas/llm/b.hpp>\n)";'},
                                               None),
        "an unknown library is found": ({"core/a.hpp": "<eigen/core.hpp>"}, "no layer may use"),
        "an unknown layer is found": ({"misc/a.hpp": ""}, "unknown layer"),
        "a circle is found": ({"core/a.hpp": "<llmnas/core/b.hpp>", "core/b.hpp": "<llmnas/core/a.hpp>"}, "circle"),
        "a missing header is found": ({"core/a.hpp": "<llmnas/core/b.hpp>"}, "does not exist"),
        "Hana in the engine is found": ({"engine.hpp": "<llmnas/core/a.hpp>", "core/a.hpp": "<boost/hana/tuple.hpp>"},
                                        "reaches"),
        "a trainer that opens the test split is found": ({"train/trainer.hpp": "<array>\nint a = for_final_report;"},
                                                         "names for_final_report"),
        "a final evaluation may": ({"cli/eval_command.hpp": "<array>\nint a = for_final_report;"}, None),
    }
    failed = 0
    for name, (files, wanted) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            for file, include in files.items():
                path = pathlib.Path(folder) / "llmnas" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"#pragma once\n#include {include}\n" if include else "#pragma once\n")
            found = list(problems(folder))
        good = not found if wanted is None else len(found) == 1 and wanted in found[0]
        print("ok    " if good else "FAILED", name, "" if good else found)
        failed += not good
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "--self-check":
        sys.exit(1 if self_check() else 0)
    wrong = list(problems(sys.argv[1]))
    for line in wrong:
        print("FAILED:", line)
    sys.exit(1 if wrong else 0)
