#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Code in the documentation comes from files in examples/ that ctest compiles and runs.

A marker `<!-- snippet: FILE NAME -->` stands before a fenced block; the block must equal the lines between the two
`//! [NAME]` of the file, without the indentation that all of them have. Without arguments it checks (exit 1 names what differs); with --update it writes the blocks.
"""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARKER = re.compile(r"<!-- snippet: (\S+) (\S+) -->\n```cpp\n(.*?)```\n", re.S)


def snippet(path, name):
    parts = re.split(rf"^ *//! \[{re.escape(name)}\]\n", (ROOT / path).read_text(), flags=re.M)
    if len(parts) != 3:
        raise SystemExit(f"{path}: no two lines //! [{name}]")
    return textwrap.dedent(parts[1])


def main():
    update = sys.argv[1:] == ["--update"]
    blocks = 0
    wrong = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text()

        def replace(match):
            nonlocal blocks
            blocks += 1
            wanted = snippet(match[1], match[2])
            if match[3] != wanted:
                wrong.append(f"{page.relative_to(ROOT)}: the block of {match[1]} [{match[2]}] differs from the file")
            return f"<!-- snippet: {match[1]} {match[2]} -->\n```cpp\n{wanted}```\n"

        new = MARKER.sub(replace, text)
        if text.count("<!-- snippet:") != len(MARKER.findall(text)):
            wrong.append(f"{page.relative_to(ROOT)}: a snippet marker without a ```cpp block behind it")
        if update and new != text:
            page.write_text(new)
    if wrong and not update:
        print("\n".join(wrong), "\nrun tests/tools/snippets.py --update", sep="")
        return 1
    print(f"{blocks} snippets")
    return 0 if blocks else 1


if __name__ == "__main__":
    sys.exit(main())
