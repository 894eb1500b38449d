# SPDX-License-Identifier: MIT
"""The compiler call of a source file, as the build makes it, from compile_commands.json."""
import json
import pathlib
import shlex
import subprocess


def of(build, source):
    """(command without output, working directory) that compiles `source`."""
    source = str(pathlib.Path(source).resolve())
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        if entry["file"] == source:
            words, command = shlex.split(entry["command"]), []
            while words:
                word = words.pop(0)
                if word == "-o":
                    words.pop(0)
                elif word not in ("-c", source):
                    command.append(word)
            # A launcher (ccache and its environment) stands before the compiler: the first option ends the names.
            first = next(i for i, w in enumerate(command) if w.startswith("-") and w != "-E")
            compiler = next(i for i in range(first - 1, -1, -1) if "=" not in command[i])
            return command[compiler:], entry["directory"]
    raise SystemExit(f"{source} is not in {build}/compile_commands.json")


def run(build, source, *options, replacement=None):
    """Compiles `source` (or `replacement` in its stead) with more options; returns (exit status, output)."""
    command, directory = of(build, source)
    file = pathlib.Path(replacement or source).resolve()
    done = subprocess.run([*command, *options, str(file)], cwd=directory, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout
