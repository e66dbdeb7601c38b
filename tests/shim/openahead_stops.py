#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that stops opening in the middle, and forks: openahead_stops.py TOP tells what is held open."""
import os
import sys
import time

top = sys.argv[1]


def scan(names):
    for name in names:
        os.close(os.open(name, os.O_RDONLY))


def held():
    stats = dict(line.split() for line in open(top + "/.origin/stats"))
    return int(stats["open"]) - int(stats["release"])


def until(number, seconds):
    end = time.monotonic() + seconds
    while held() != number and time.monotonic() < end:
        time.sleep(0.01)
    return held()


names = [f"{top}/d{d}/{name}" for d in range(10) for name in sorted(os.listdir(f"{top}/d{d}"))]
scan(names[:330])
ahead = held()
print("held", ahead > 0)
print("idle", until(0, 10))
scan(names[330:])
scan(names[:330])
pid = os.fork()
if not pid:
    os._exit(until(0, 10))
print("fork", os.waitpid(pid, 0)[1])
