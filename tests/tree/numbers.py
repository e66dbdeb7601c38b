#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbers without a reason: numbers.py FILE...

A #define of a size, limit, time or count has a comment on its line, or above the lines of #defines in which it stands.
Names of bits and of what is never a number (UINT64_MAX) need none.
"""
import re
import sys

DEFINE = re.compile(r"\s*#\s*define\s+(\w+)\s+(.*)")
DIRECTIVE = re.compile(r"\s*#\s*(define|if|ifdef|ifndef|else|endif)\b")
BIT = re.compile(r"\(?(?:U?INT\d+_C\()?1[uUlL]*\)? << \d+\)?$")
NUMBER = re.compile(r"(?<![\w.])(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?)")


def main():
    for path in sys.argv[1:]:
        with open(path) as f:
            lines = f.read().split("\n")
        for i, line in enumerate(lines):
            define = DEFINE.match(line)
            if not define or define.group(1) == "STATS_PART" or "/*" in line or BIT.match(define.group(2)):
                continue
            value = re.sub(r'"(?:\\.|[^"])*"', "", define.group(2))
            numbers = [n for n in NUMBER.findall(value) if float(int(n, 16) if "x" in n else n) > 1]
            above = i
            while above and DIRECTIVE.match(lines[above - 1]):
                above -= 1
            if numbers and not lines[above - 1].rstrip().endswith("*/"):
                print(f"{path}:{i + 1}: {define.group(1)}")


if __name__ == "__main__":
    main()
