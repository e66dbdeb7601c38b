# SPDX-License-Identifier: MIT
"""Rows about what programs pay before and around their first read."""
from whole import Side, more, row

STARTS = 20


@row("exec of true, preload with paths, ms more than without", more("cache", "local"), most=0.12,
     unit="ms")
def row_exec_true(bench):
    bench.fresh("64M")
    return {"local": Side(["true"], times=STARTS),
            "cache": Side(["true"], bench.environment(), times=STARTS)}


@row("cat of a cached 4 KiB file, ms more than of a local one", more("cache", "local"), most=0.30,
     unit="ms")
def row_cat_small(bench):
    cached, local = bench.file("small", 4096)
    bench.fresh("64M")
    bench.warm(cached)
    return {"local": Side(["cat", local], times=STARTS),
            "cache": Side(["cat", cached], bench.environment(), times=STARTS)}


@row("rawcache run true, ms more than true", more("cache", "local"), most=0.6, unit="ms")
def row_run_true(bench):
    bench.fresh("64M")
    run = [bench.rawcache, "run", "--path", bench.cached, "--cache", bench.image, "true"]
    return {"local": Side(["true"], times=STARTS), "cache": Side(run, times=STARTS)}
