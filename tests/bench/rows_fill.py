# SPDX-License-Identifier: MIT
"""Rows about what is not in the cache yet, and what stays in it."""
import json
import os
import subprocess

from rows_cold import resident
from rows_read import tree
from whole import SCALE, Side, ratio, row, share

MIB = 1 << 20
READ_ALL = """import os, sys
for directory, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(directory, name), "rb") as f:
            f.read()
"""


class First(Side):
    """What `before` does is not timed."""

    def __init__(self, argv, before, env=None):
        super().__init__(argv, env)
        self.before = before

    def run(self):
        self.before()
        return super().run()


def first_pass(bench, point, argv):
    """The mount, whose files the kernel forgets when they are opened, without and with an empty cache."""
    bench.settle()
    return {"mount": First(argv, lambda: None),
            "cache": First(argv, lambda: bench.fresh("1G"), bench.environment(point))}


@row("first pass, origin of 0.2 ms: cat of 256 MB", ratio("mount", "cache"), least=1.0, rounds=5)
def row_first_cat(bench):
    bench.file("file", max(int(256 * MIB * SCALE), 16 * MIB))
    point = bench.origin(bench.cached, "--latency=0.2")
    return first_pass(bench, point, ["cat", f"{point}/file"])


@row("first pass, origin of 0.2 ms: python3 on 5,000 files, processor time",
     share("cache", "mount"), most=1.3, rounds=5)
def row_first_tree(bench):
    point = tree(bench, max(int(5000 * SCALE), 100), 4096, "--latency=0.2")
    return first_pass(bench, point, ["python3", "-c", READ_ALL, f"{point}/tree"])


def many(bench, files, bench_size):
    for i in range(files):
        directory = f"{bench.cached}/many/{i // 1000}"
        if not i % 1000:
            os.makedirs(directory)
        with open(f"{directory}/{i}", "wb") as f:
            f.write(os.urandom(64) * (i % 124 + 1))
    bench.fresh(bench_size)
    bench.settle()
    return [bench.rawcache, "warm", "--cache", bench.image, f"{bench.cached}/many"]


@row("warm of 20,000 files (78 MB) into an empty image of 512 MiB, exit status",
     lambda figures: figures["cache"]["status"], most=0, unit="", rounds=1)
def row_warm_status(bench):
    argv = many(bench, 20000, "512M")

    def run():
        bench.fresh("512M")
        return {"status": subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode}
    return {"cache": run}


@row("warm of 200,000 files, resident MiB", lambda figures: figures["cache"]["memory"], most=32,
     unit="MiB", rounds=1)
def row_warm_memory(bench):
    # each has two entries in the index, of which 4 GiB have 458,752
    argv = many(bench, max(int(200000 * SCALE), 20000), "4G")
    return {"cache": lambda: resident(argv, os.environ)}


@row("hit ratio by bytes, Zipf 0.9 over 20,000 objects, image of 256 MiB, percent",
     lambda figures: figures["cache"]["percent"], least=58, unit="%", rounds=1)
def row_hits(bench):
    argv = [bench.program("tests/bench/bench_evict"), "--json", f"{bench.work}/evict.img", "zipf"]

    def run():
        told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        rows = {row["policy"]: row["percent"] for row in map(json.loads, told.splitlines())}
        return {"percent": rows["rawcache"], "s3-fifo": rows["s3-fifo"], "lru": rows["lru"]}
    return {"cache": run}
