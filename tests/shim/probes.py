# SPDX-License-Identifier: MIT
"""probes.py DIR BACK: what a hostile program can do with names and files that something else may answer for, one case
a function, and what it sees, printed.

DIR is a directory on the mount, BACK the same one behind it. In each case absent names were asked for, and the
directory's files were opened in order up to f40, so that this one and the next may be open already.
"""
import os
import time

import probes_files
import probes_names
from probes_words import BACK, CASES, TOP, read, tried

FILES = 70
BEFORE = 36  # by name: f0, f1, f10, ... f39, f4


def main():
    cases = sorted(CASES, key=lambda function: function.__name__)
    assert len(cases) == 33, (probes_files, probes_names)
    for function in [None, *cases]:
        d = f"{BACK}/{function.__name__ if function else 'fresh'}"
        os.makedirs(d)
        for f in range(FILES):
            with open(f"{d}/f{f}", "w", encoding="ascii") as file:
                file.write(f"{f} of {os.path.basename(d)}\n")
    read(f"{TOP}/fresh/f0")  # the first open below the cache attaches
    for function in cases:
        tried(os.stat, f"{TOP}/{function.__name__}/no1")
    time.sleep(2.5)  # then the directories are settled, and were seen for as long
    for function in cases:
        d = f"{TOP}/{function.__name__}"
        for _ in range(3):
            for name in ("no1", "no2", "no3"):
                tried(os.stat, f"{d}/{name}")
        for f in sorted(range(FILES), key=str)[:BEFORE]:
            read(f"{d}/f{f}")
        for line in function(d):
            print(function.__name__, line)


main()
