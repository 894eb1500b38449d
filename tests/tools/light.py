# SPDX-License-Identifier: MIT
"""light.py BUILD SOURCE: fails when SOURCE, which includes <llmnas/static.hpp>, reaches a heavy header."""
import re
import sys

import compile_command

HEAVY = re.compile(r"/(string|vector|functional|iterator|ranges|memory|bitset|stdexcept|iostream|algorithm)$"
                   r"|/bits/(basic_string|stl_vector)\.h$|/(fmt|nlohmann|torch|ATen|c10|tl)/|/httplib\.h$|/CLI/"
                   r"|/boost/hana\.hpp$")

status, output = compile_command.run(sys.argv[1], sys.argv[2], "-fsyntax-only", "-H")
# -H prints a line of dots a header, as deep as it is included: keep the way to each one that is found.
way, found = [], {}
for dots, header in re.findall(r"^(\.+) (.+)$", output, re.M):
    way[len(dots) - 1:] = [header]
    if HEAVY.search(header) and header not in found:
        found[header] = list(way)
if status != 0:
    print(output)
    sys.exit("FAILED: does not compile without exceptions and RTTI")
for header, steps in found.items():
    ours = [s for s in steps if "/llmnas/" in s]
    print(f"FAILED: {header} is reached through {' -> '.join(steps if len(steps) < 8 else ours + steps[-3:])}")
print(f"{len(re.findall('^[.]+ ', output, re.M))} headers, {len(found)} of them heavy")
sys.exit(1 if found else 0)
