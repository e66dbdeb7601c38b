# SPDX-License-Identifier: MIT
"""Whether descriptors stay as they are, and a fork child reads: tier_seen.py FILE SMALL"""
import os, sys
open(sys.argv[2], "rb").read()
before = sorted(os.listdir("/proc/self/fd"))
data = open(sys.argv[1], "rb").read()
pid = os.fork()
if not pid:
    os._exit(open(sys.argv[1], "rb").read() != data)
print(os.waitpid(pid, 0)[1], before == sorted(os.listdir("/proc/self/fd")))
