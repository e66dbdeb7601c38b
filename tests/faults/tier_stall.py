#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program one of whose files stalls at the origin: tier_stall.py MOUNT WANTED STATS reads another one meanwhile."""
import os
import sys
import threading
import time

mount, wanted, stalled = sys.argv[1:]
other = os.open(mount + "/other", os.O_RDONLY)
same = os.pread(other, 262144, 0) == open(wanted + "/other", "rb").read(262144)
file = os.open(mount + "/file", os.O_RDONLY)
same &= os.pread(file, 262144, 0) == open(wanted + "/file", "rb").read(262144)
time.sleep(0.3)
with open(mount + "/.origin/control", "w") as f:
    f.write("stall read other\n")
for at in range(10):
    threading.Thread(target=os.pread, args=(other, 262144, (8 + 2 * at) << 18), daemon=True).start()
for _ in range(200):
    if open(stalled).read().split("stalled ", 1)[1].split()[0] >= "8":
        break
    time.sleep(0.05)
time.sleep(1)  # as long as a helper without work waits before it ends
same &= os.pread(file, 1 << 20, 1 << 20) == open(wanted + "/file", "rb").read()[1 << 20:2 << 20]
print(same, flush=True)
sys.stdin.read()
