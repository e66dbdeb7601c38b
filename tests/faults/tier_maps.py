#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Touch each page of a mapped file, and last until its chunks are stored: tier_maps.py FILE WANTED ends with 1 if they
differ."""
import mmap
import sys
import time

with open(sys.argv[1], "rb") as f, open(sys.argv[2], "rb") as wanted:
    data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    same = data[:] == wanted.read()
time.sleep(2)
sys.exit(not same)
