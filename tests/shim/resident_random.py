#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read a file at random places and compare it with a copy: resident_random.py FILE COPY prints the memory in kB that
this took, and the pieces that were wrong."""
import os
import random
import re
import sys


def resident():
    return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/self/status").read()).group(1))


path, copy = sys.argv[1:3]
there, size, most, wrong = os.open(copy, os.O_RDONLY), os.path.getsize(path), 0, 0
random.seed(1)
before = resident()
for turn in range(20):
    fd = os.open(path, os.O_RDONLY)
    for i in range(3000):
        at, n = random.randrange(size), random.choice((64, 4096, 70000))
        wrong += os.pread(fd, n, at) != os.pread(there, n, at)
    os.close(fd)
    most = max(most, resident() - before)
print(most, wrong)
