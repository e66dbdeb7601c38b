#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""This build and another installed one, side by side: against.py BUILD PREFIX WORK [read|cost|map]...

The benchmark programs of this build run below both, in turns. What stands in a row are the medians of both sides and
the ratio of the two turns of each pair, one right after the other, the first one by turns: its median, its quartiles,
and the medians of the layouts. Below 1 this build is faster. Exit 1 if a median is worse than BENCH_LIMIT (1.03).

A layout is a new image on both sides, and new processes: which pages of the memory a file's bytes lie in, and where
the kernel puts mappings, is chance that stays as long as a process or an image does.

read	BENCH_LAYOUTS (3) layouts. One process a side, which waits while the other one measures: BENCH_PAIRS (24)
	pairs a row and layout, all rows in turns, each turn one pass of some milliseconds.
cost	BENCH_ROUNDS (7) pairs of processes.
map	the same, but more pairs for the row "open": what an unmapping costs follows from where the kernel puts
	mappings, and is up to a third of it. What a mapping costs follows from how many stretches of the image it is
	made of: so regions have one size on both sides, and one thread stores, in the order of the file.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
LAYOUTS = int(os.environ.get("BENCH_LAYOUTS", "3"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "24"))
LIMIT = float(os.environ.get("BENCH_LIMIT", "1.03"))
BYTES = {"read": 64 << 20, "cost": 4096, "map": 512 << 20}
TIMES = ("cache_ns", "shim_us")
AGAIN = {"map": 3 * ROUNDS}  # processes more for the row "open"


class Side:
    """One of the two, with an image of its own."""

    def __init__(self, name, command, preload, work):
        self.command = command
        self.image = f"{work}/{name}.img"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("RAWCACHE_")}
        self.env.update(RAWCACHE_PRELOAD=preload, RAWCACHE_RUNTIME_DIR=f"{work}/{name}")
        self.preload = preload
        os.mkdir(f"{work}/{name}")

    def rawcache(self, *args, **more):
        return subprocess.run([self.command, *args], env={**self.env, **more}, check=True,
                              stdout=subprocess.PIPE).stdout

    def below(self, cached, *program):
        return self.rawcache("run", "--path", cached, "--cache", self.image, "--", *program)

    def make(self, cached):
        self.rawcache("format", "--force", "--size", "3G", "--region", "32M", self.image)
        # the names of files take a block of their own first
        for name in ("first", "file"):
            self.rawcache("warm", "--cache", self.image, f"{cached}/{name}", RAWCACHE_IO="sync")

    def round(self, bench, program, cached, local, *rows):
        """{name of a row: time} of one run of a benchmark, or of one row."""
        if bench == "cost":
            env = dict(self.env, RAWCACHE_PATHS=cached, RAWCACHE_DEVICE=self.image)
            lines = subprocess.run([program, "exec", self.preload, "--json"], env=env, check=True,
                                   stdout=subprocess.PIPE).stdout
            lines += self.below(cached, program, "calls", f"{local}/file", "--json")
            lines += self.below(cached, program, "open", f"{cached}/file", f"{local}/file", "--json")
        else:
            lines = self.below(cached, program, f"{cached}/file", f"{local}/file", "--json", *rows)
        times = {}
        for line in lines.decode().splitlines():
            row = json.loads(line)
            times[row["what"]] = next(row[name] for name in TIMES if name in row)
        return times

    def begin(self, program, cached, local):
        """A process that measures what it is asked for."""
        self.process = subprocess.Popen(
            [self.command, "run", "--path", cached, "--cache", self.image, "--", program, f"{cached}/file",
             f"{local}/file", "--turns"], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        if self.process.wait():
            sys.exit("the benchmark failed")


class Row:
    """The pairs of a row: a list of (this, other) for each layout."""

    def __init__(self, name):
        self.name = name
        self.layouts = []

    def report(self):
        pairs = [pair for layout in self.layouts for pair in layout]
        ratios = [[this / other for this, other in layout] for layout in self.layouts]
        low, ratio, high = statistics.quantiles(sum(ratios, []), n=4, method="inclusive")
        this, other = (statistics.median(side) for side in zip(*pairs))
        layouts = " ".join(f"{statistics.median(layout):.3f}" for layout in ratios)
        print(f"{self.name:36} {this:11.1f} / {other:11.1f}   {ratio:.3f} ({low:.3f} to {high:.3f})   {layouts}",
              flush=True)
        return ratio


def both(sides, turn, ask):
    """What both sides answer, the first one by turns."""
    first = turn % 2
    answers = {}
    for i in (first, 1 - first):
        answers[i] = ask(sides[i])
    return answers[0], answers[1]


def pairs_read(sides, program, cached, local, rows):
    """One layout, in processes that take turns."""
    for side in sides:
        side.begin(program, cached, local)
    for name in sides[0].ask("list").split(","):
        if "read " + name not in rows:
            rows["read " + name] = Row("read " + name)
    for row in rows.values():
        row.layouts.append([])
    for turn in range(PAIRS):
        for number, row in enumerate(rows.values()):
            # bind `number`: the function is called at once
            row.layouts[-1].append(both(sides, turn, lambda side, number=number: float(side.ask(number))))
    for side in sides:
        side.end()


def pairs_rounds(bench, sides, program, cached, local, rows):
    """One layout, in new processes for each turn."""
    for turn in range(ROUNDS + AGAIN.get(bench, 0)):
        some = ["open"] if turn >= ROUNDS else []
        this, other = both(sides, turn, lambda side: side.round(bench, program, cached, local, *some))
        for what in this:
            row = rows.setdefault(what, Row(f"{bench} {what}"))
            if not row.layouts:
                row.layouts.append([])
            row.layouts[0].append((this[what], other[what]))


def compare(bench, build, sides, work):
    cached, local = f"{work}/cached", f"{work}/local"
    program = f"{build}/tests/bench/bench_{bench}"
    rows = {}
    for directory in (cached, local):
        os.makedirs(directory, exist_ok=True)
    with open(f"{cached}/file", "wb") as f:
        f.write(os.urandom(BYTES[bench]))
    with open(f"{cached}/first", "wb") as f:
        f.write(os.urandom(4096))
    shutil.copy(f"{cached}/file", f"{local}/file")
    time.sleep(2.1)  # what has just changed is not stored
    for layout in range(LAYOUTS if bench == "read" else 1):
        for side in sides if layout % 2 else reversed(sides):
            side.make(cached)
        if bench == "read":
            pairs_read(sides, program, cached, local, rows)
        else:
            pairs_rounds(bench, sides, program, cached, local, rows)
    return max(row.report() for row in rows.values())


def main():
    build, prefix, work, *names = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    sides = [Side("this", f"{build}/rawcache", f"{build}/.libs/librawcache-preload.so", work),
             Side("other", f"{prefix}/bin/rawcache", f"{prefix}/lib/rawcache/librawcache-preload.so", work)]
    worst = max(compare(name, build, sides, work) for name in names or ["read", "cost", "map"])
    sys.exit(worst > LIMIT)


main()
