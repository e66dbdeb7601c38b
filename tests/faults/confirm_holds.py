# SPDX-License-Identifier: MIT
"""Holds all pages of a file in a mapping, and makes another file when it has them: confirm_holds.py FILE THERE"""
import mmap
import sys
import time

f = open(sys.argv[1], "rb")
m = mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)
x = m[:]
open(sys.argv[2], "w").close()
time.sleep(60)
