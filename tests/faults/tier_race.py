# SPDX-License-Identifier: MIT
"""Reads FILE with eight threads in random order and compares with REFERENCE. usage: tier_race.py FILE REFERENCE"""
import os
import random
import sys
import threading

CHUNK = 262144
a, b = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[2], os.O_RDONLY)
order = list(range(CHUNK, os.fstat(b).st_size, CHUNK))
random.shuffle(order)
wrong = os.pread(a, CHUNK, 0) != os.pread(b, CHUNK, 0)


def work():
    global wrong
    while order:
        try:
            at = order.pop()
        except IndexError:
            return
        wrong |= os.pread(a, CHUNK, at) != os.pread(b, CHUNK, at)


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(wrong)
