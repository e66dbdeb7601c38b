#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generations of forks, each of which opens a file: openahead_forks.py TOP fails if memory grows."""
import os
import sys


def mapped():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * 4096


def descend(left, before):
    os.close(os.open(sys.argv[1] + "/d0/same", os.O_RDONLY))
    if not left:
        sys.exit(mapped() - before > 1 << 20)
    pid = os.fork()
    if not pid:
        descend(left - 1, mapped() if left == 8 else before)
    sys.exit(os.waitpid(pid, 0)[1] >> 8)


descend(16, 0)
