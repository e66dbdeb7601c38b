#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ways in which Python reads: programs_reads.py DIRECTORY prints a hash and a sum."""
import hashlib
import os
import subprocess
import sys

d = sys.argv[1]
f = open(d + "/random.bin", "rb", buffering=0)
h = hashlib.sha256()
for i in range(300):
    f.seek((i * 7919 * 97) % 2999000)
    h.update(f.read(1000))
f.seek(-100, 2)
h.update(f.read())
b = bytearray(5000)
n = os.open(d + "/random.bin", os.O_RDONLY)
os.lseek(n, 1234, 0)
h.update(os.read(n, 10))
child = subprocess.run(["head", "-c", "20"], stdin=n, stdout=subprocess.PIPE)
h.update(child.stdout)
h.update(os.pread(n, 64, 262140))
h.update(open(d + "/random.bin", "rb").read())
print(h.hexdigest(), sum(map(int, open(d + "/numbers.txt"))))
