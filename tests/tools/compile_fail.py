# SPDX-License-Identifier: MIT
"""Misuse must not compile, and must say why.

    compile_fail.py BUILD SOURCE       checks one file
    compile_fail.py BUILD --self-check checks that this script finds what it should

A source has one or more lines `// expect-error: REGEX`, the misuse under `#ifdef LLMNAS_FAIL`, and its passing twin in the
`#else` branch (or the other way round with #ifndef). Compiled without the macro it must pass; with it, it must fail, and the compiler's output must match each
regex. `// link: TARGET` chooses the library (tests/CMakeLists.txt; llmnas::search by default, which needs no torch).
"""
import pathlib
import re
import sys
import tempfile

import compile_command


def check(build, source, text_file=None):
    """The reasons why `source` is not a good compile_fail test; none when it is."""
    text = pathlib.Path(text_file or source).read_text()
    expected = re.findall(r"^\s*// expect-error: (.+?)\s*$", text, re.M)
    if not expected:
        return ["no line `// expect-error: REGEX`"]
    if not re.search(r"^#ifn?def LLMNAS_FAIL", text, re.M):
        return ["no `#ifdef LLMNAS_FAIL`"]
    status, output = compile_command.run(build, source, "-fsyntax-only", replacement=text_file)
    if status != 0:
        return ["the passing twin does not compile:\n" + output]
    status, output = compile_command.run(build, source, "-fsyntax-only", "-DLLMNAS_FAIL", replacement=text_file)
    if status == 0:
        return ["compiled although it must not"]
    # Compilers quote with ' or with typographic marks, by locale.
    plain = output.replace("\u2018", "'").replace("\u2019", "'")
    return [f"the compiler's output does not match /{regex}/:\n{output}" for regex in expected
            if not re.search(regex, plain)]


def self_check(build):
    source = pathlib.Path(__file__).parent.parent / "compile_fail" / "quantities.cpp"
    cases = {
        "a good file passes": ("// expect-error: too small\n#ifdef LLMNAS_FAIL\nstatic_assert(1 > 2, \"too small\");\n"
                               "#else\nstatic_assert(2 > 1);\n#endif\n", None),
        "misuse that compiles is found": ("// expect-error: x\n#ifdef LLMNAS_FAIL\n#endif\n", "compiled although"),
        "a wrong message is found": ("// expect-error: too large\n#ifdef LLMNAS_FAIL\n"
                                     "static_assert(1 > 2, \"too small\");\n#endif\n", "does not match"),
        "a broken twin is found": ("// expect-error: .\n#ifdef LLMNAS_FAIL\n#else\nint f( {\n#endif\n", "twin"),
        "a file without an expectation is found": ("#ifdef LLMNAS_FAIL\n#endif\n", "no line"),
        "a file without misuse is found": ("// expect-error: x\n", "no `#ifdef"),
    }
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, wanted) in cases.items():
            file = pathlib.Path(folder) / "case.cpp"
            file.write_text("// SPDX-License-Identifier: MIT\n" + text)
            reasons = check(build, source, file)
            good = not reasons if wanted is None else len(reasons) == 1 and wanted in reasons[0]
            print("ok    " if good else "FAILED", name, "" if good else reasons)
            failed += not good
    return failed


if __name__ == "__main__":
    if sys.argv[2] == "--self-check":
        sys.exit(1 if self_check(sys.argv[1]) else 0)
    problems = check(sys.argv[1], sys.argv[2])
    for problem in problems:
        print(f"FAILED: {sys.argv[2]}: {problem}")
    sys.exit(1 if problems else 0)
