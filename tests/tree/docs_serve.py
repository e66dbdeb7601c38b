# SPDX-License-Identifier: MIT
"""A server of weights, which maps them: serve.py FILE"""
import mmap
import sys

with open(sys.argv[1], "rb") as f:
    weights = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    print("sum of every 4096th byte:", sum(weights[::4096]) > 0)
