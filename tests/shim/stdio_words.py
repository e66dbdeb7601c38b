#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count the words of DIRECTORY/lines.txt: stdio_words.py DIRECTORY."""
import sys

n = 0
for line in open(sys.argv[1] + "/lines.txt"):
    n += len(line.split())
print(n)
