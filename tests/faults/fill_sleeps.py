# SPDX-License-Identifier: MIT
"""Reads so much of a file that more is read ahead, says "ready", and sleeps: fill_sleeps.py FILE"""
import os
import sys
import time

f = os.open(sys.argv[1], os.O_RDONLY)
for i in range(8):
    os.read(f, 1 << 18)
print("ready", flush=True)
time.sleep(60)
