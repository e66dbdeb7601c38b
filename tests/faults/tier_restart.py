# SPDX-License-Identifier: MIT
"""Reads a file for each line of standard input, and says so. usage: tier_restart.py DIRECTORY ORIGINALS"""
import sys

for line in sys.stdin:
    name = line.strip()
    with open(sys.argv[1] + "/" + name, "rb") as a, open(sys.argv[2] + "/" + name, "rb") as b:
        print(name, a.read() == b.read(), flush=True)
