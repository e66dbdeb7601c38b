# SPDX-License-Identifier: MIT
"""Rows about mappings of what is in the cache already."""
from whole import SCALE, Side, row

MIB = 1 << 20


def mapped(bench, size, image):
    """A program that touches all pages of a mapping, the file local and cached on a mount of 1 ms a request."""
    size = max(int(size * SCALE), 16 * MIB)
    cached, local = bench.file("file", size)
    mount = bench.origin(bench.cached, "--latency=1")
    touch = bench.program("tests/bench/touch")
    bench.fresh(f"{int(size * image)}")
    bench.warm(f"{mount}/file")
    return {"local": Side([touch, local]),
            "cache": Side([touch, f"{mount}/file"], bench.environment(mount))}


@row("1 GiB mapped and touched at random, image of 3 GiB", least=0.95, rounds=7)
def row_map_third(bench):
    return mapped(bench, 1024 * MIB, 3)


@row("3 GiB mapped and touched at random, image of 4 GiB", least=0.95, rounds=3)
def row_map_most(bench):
    return mapped(bench, 3072 * MIB, 4 / 3)
