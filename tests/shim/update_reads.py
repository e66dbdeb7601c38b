#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read a file of a MiB by read() and pread(), opened with these flags: update_reads.py FILE FLAGS."""
import os
import sys

fd = os.open(sys.argv[1], eval(sys.argv[2]))
n = 0
while b := os.read(fd, 65536):
    n += len(b)
for at in range(0, n, 65536):
    os.pread(fd, 65536, at)
assert n == 1 << 20
