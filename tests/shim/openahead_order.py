# SPDX-License-Identifier: MIT
"""Opens all files below a directory in a random order: openahead_order.py DIRECTORY FILE [CHILDREN]

FILE has the number that the order is made of. Prints a hash of all bytes, with CHILDREN one for each process.
"""
import hashlib
import os
import random
import sys

names = sorted(os.path.join(d, f) for d, _, fs in os.walk(sys.argv[1]) for f in fs)
with open(sys.argv[2], encoding="ascii") as seed:
    random.seed(int(seed.read()))
random.shuffle(names)
children = int(sys.argv[3]) if len(sys.argv) > 3 else 0
me = 0
for child in range(1, children + 1):
    if not me and not os.fork():
        me = child
total = hashlib.sha256()
for name in names[me::children + 1]:
    fd = os.open(name, os.O_RDONLY)
    total.update(name.encode() + os.read(fd, 4096))
    os.close(fd)
if not me:
    for child in range(children):
        assert not os.wait()[1]
os.write(1, f"{me} {total.hexdigest()}\n".encode())
if me:
    os._exit(0)
