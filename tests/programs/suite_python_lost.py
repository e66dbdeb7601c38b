# SPDX-License-Identifier: MIT
import sys, xml.etree.ElementTree as ET

def passed(path):
    try:
        cases = ET.parse(path).iter("testcase")
    except (OSError, ET.ParseError):
        return {}
    states = {}
    for case in cases:
        name = case.get("name") or ""
        good = all(child.tag not in ("failure", "error", "skipped") for child in case)
        if name:
            states[name] = states.get(name, True) and good
    return states

native, shim = passed(sys.argv[1]), passed(sys.argv[2])
for name, good in sorted(native.items()):
    if good and not shim.get(name):
        print(name, "failed" if name in shim else "is missing")
