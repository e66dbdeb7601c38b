# SPDX-License-Identifier: MIT
"""Touches each page of a mapping of a file: confirm_map.py FILE"""
import mmap
import sys
import time

f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
x = sum(m[i] for i in range(0, len(m), 4096))
time.sleep(0.3)
