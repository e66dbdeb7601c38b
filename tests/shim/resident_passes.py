# SPDX-License-Identifier: MIT
"""Reads a file three times: kB more in memory after the first, and the sums: resident_passes.py FILE BYTES"""
import hashlib, os, re, sys
def resident():
    return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/self/status").read()).group(1))
size, sums = int(sys.argv[2]), []
with open(os.devnull, "rb"):
    before = resident()
for i in range(3):
    fd, sum = os.open(sys.argv[1], os.O_RDONLY), hashlib.md5()
    while piece := os.read(fd, size):
        sum.update(piece)
    os.close(fd)
    sums.append(sum.hexdigest())
    if not i:
        more = resident() - before
print(more, *sums)
