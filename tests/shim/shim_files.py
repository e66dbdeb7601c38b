# SPDX-License-Identifier: MIT
"""Files that differ in every block, and one of random bytes: shim_files.py DIRECTORY"""
import os, sys
d = sys.argv[1]
for name in "ab":
    with open(os.path.join(d, name), "wb") as f:
        for i in range(40):
            f.write((name * 8 + "%08d" % i).encode() * 256)
        f.write(b"end") # wc -c miscounts a file of whole pages that is not read from its start
with open(os.path.join(d, "one"), "wb") as f:
    f.write(os.urandom(700001))
