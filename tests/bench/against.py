#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""This build and another installed one, side by side: against.py BUILD PREFIX WORK [read|cost|map]...

The benchmark programs of this build run below both, in turns, each time in a new process. For each row the best
and the median of BENCH_ROUNDS rounds (7) are compared: below 1 this build is faster. Exit 1 if a best is worse than
BENCH_LIMIT (1.03).
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
LIMIT = float(os.environ.get("BENCH_LIMIT", "1.03"))
BYTES = {"read": 64 << 20, "cost": 4096, "map": 512 << 20}
TIMES = ("cache_ns", "shim_us")


class Side:
    """One of the two, with an image of its own."""

    def __init__(self, name, command, preload, work):
        self.command = command
        self.image = f"{work}/{name}.img"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("RAWCACHE_")}
        self.env.update(RAWCACHE_PRELOAD=preload, RAWCACHE_RUNTIME_DIR=f"{work}/{name}")
        self.preload = preload
        self.best = {}
        os.mkdir(f"{work}/{name}")

    def rawcache(self, *args):
        return subprocess.run([self.command, *args], env=self.env, check=True, stdout=subprocess.PIPE).stdout

    def below(self, cached, *program):
        return self.rawcache("run", "--path", cached, "--cache", self.image, "--", *program)

    def round(self, bench, program, cached, local):
        """The lines of one run of a benchmark."""
        if bench == "cost":
            env = dict(self.env, RAWCACHE_PATHS=cached, RAWCACHE_DEVICE=self.image)
            lines = subprocess.run([program, "exec", self.preload, "--json"], env=env, check=True,
                                   stdout=subprocess.PIPE).stdout
            lines += self.below(cached, program, "calls", f"{local}/file", "--json")
            lines += self.below(cached, program, "open", f"{cached}/file", f"{local}/file", "--json")
        else:
            lines = self.below(cached, program, f"{cached}/file", f"{local}/file", "--json")
        for line in lines.decode().splitlines():
            row = json.loads(line)
            key = " ".join(str(row[k]) for k in ("bench", "workers", "what", "size", "pattern") if k in row)
            for time_name in TIMES:
                if time_name in row:
                    self.best.setdefault(key, []).append(row[time_name])


def compare(bench, build, sides, work):
    cached, local = f"{work}/cached", f"{work}/local"
    for directory in (cached, local):
        os.makedirs(directory, exist_ok=True)
    with open(f"{cached}/file", "wb") as f:
        f.write(os.urandom(BYTES[bench]))
    shutil.copy(f"{cached}/file", f"{local}/file")
    time.sleep(2.1)  # what has just changed is not stored
    for side in sides:
        side.best = {}
        side.rawcache("format", "--force", "--size", "3G", side.image)  # smaller ones differ in their regions
        side.rawcache("warm", "--cache", side.image, cached)
    for turn in range(ROUNDS):
        for side in sides if turn % 2 else reversed(sides):
            side.round(bench, f"{build}/tests/bench/bench_{bench}", cached, local)
    worst = 0
    for key, ours in sides[0].best.items():
        theirs = sides[1].best[key]
        ratio = min(ours) / min(theirs)
        worst = max(worst, ratio)
        print(f"{key:44} best {min(ours):10.2f} / {min(theirs):10.2f} = {ratio:5.2f}   median "
              f"{statistics.median(ours) / statistics.median(theirs):5.2f}", flush=True)
    return worst


def main():
    build, prefix, work, *names = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    sides = [Side("this", f"{build}/rawcache", f"{build}/.libs/librawcache-preload.so", work),
             Side("other", f"{prefix}/bin/rawcache", f"{prefix}/lib/rawcache/librawcache-preload.so", work)]
    worst = max(compare(name, build, sides, work) for name in names or ["read", "cost", "map"])
    sys.exit(worst > LIMIT)


main()
