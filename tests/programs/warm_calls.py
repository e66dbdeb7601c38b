# SPDX-License-Identifier: MIT
"""Reads a file by pread() and by read(): warm_calls.py FILE READS"""
import os, sys
fd, n = os.open(sys.argv[1], os.O_RDONLY), int(sys.argv[2])
total = 0
for i in range(n):
    total += sum(os.pread(fd, 4096, i * 7 % 1024 * 4096)[:9])
for i in range(n):
    total += sum(os.read(fd, 4096)[:9])
print(total)
