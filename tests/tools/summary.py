# SPDX-License-Identifier: MIT
"""summary.py FAILED SKIPPED JUNIT.xml...: what failed, what was skipped and why, and the closing line of a test run.

FAILED and SKIPPED count what tests/run.sh saw besides the tests, such as a build that failed."""
import re
import sys
import xml.etree.ElementTree

failed, skipped = int(sys.argv[1]), int(sys.argv[2])
passed = 0
for file in sys.argv[3:]:
    suite = xml.etree.ElementTree.parse(file).getroot()
    for case in suite.iter("testcase"):
        status, name = case.get("status"), f"{file.split('/')[-2]}: {case.get('name')}"
        if status == "run":
            passed += 1
        elif status in ("notrun", "disabled") and case.find("skipped") is not None:
            output = case.findtext("system-out") or ""
            reason = re.search(r"LLMNAS_SKIP: (.*)", output)
            if reason:
                skipped += 1
                print(f"skipped  {name}: {reason[1]}")
                continue
            failed += 1
            print(f"not run  {name}: {case.find('skipped').get('message')}")
        else:
            failed += 1
            print(f"failed   {name}")
if passed == 0:
    print("no test ran")
    failed = failed or 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
