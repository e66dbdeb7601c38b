#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that reads through the tier, then nothing until its input ends, then again: tier_idle.py MOUNT WANTED
prints whether the bytes are right, and whether it had a single thread in between."""
import os
import sys
import time


def read(name):
    return open(sys.argv[1] + name, "rb").read() == open(sys.argv[2] + name, "rb").read()


def alone():
    for _ in range(400):
        if len(os.listdir("/proc/self/task")) == 1:
            return True
        time.sleep(0.05)


same = read("/file")
print(same, alone(), flush=True)
sys.stdin.read()
print(read("/again"))
