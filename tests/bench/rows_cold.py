# SPDX-License-Identifier: MIT
"""Rows about a file that is read once in order, out of pages that came from the disk."""
import os
import subprocess
import time

from whole import SCALE, Side, row

MIB = 1 << 20
PIECES = "import sys\nf = open(sys.argv[1], 'rb', 0)\nwhile f.read(65536): pass"


def from_disk(bench, size):
    """A cached file and its local copy, both in memory in such pages as reading from the disk makes."""
    size = max(int(size * SCALE), 16 * MIB)
    cached, local = bench.file("file", size)
    bench.fresh(f"{size * 3 // 2 + 64 * MIB}")
    bench.warm(cached)
    for path in (bench.image, local):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
    for path, env in ((local, os.environ), (cached, {**os.environ, **bench.environment()})):
        bench.call("cat", path, env=env)
    return cached, local


def pair(bench, before, after=()):
    cached, local = from_disk(bench, 1024 * MIB)
    return {"local": Side([*before, local, *after]),
            "cache": Side([*before, cached, *after], bench.environment())}


@row("cat of 1 GiB", least=1.0, rounds=9)
def row_cat(bench):
    return pair(bench, ["cat"])


@row("cp of 1 GiB to /dev/null", least=1.0, rounds=9)
def row_cp(bench):
    return pair(bench, ["cp"], ["/dev/null"])


def dd_pair(bench, block):
    cached, local = from_disk(bench, 1024 * MIB)
    dd = ["dd", "of=/dev/null", "status=none", f"bs={block}"]
    return {"local": Side([*dd, f"if={local}"]),
            "cache": Side([*dd, f"if={cached}"], bench.environment())}


@row("dd bs=1M of 1 GiB", least=1.0, rounds=9)
def row_dd_1m(bench):
    return dd_pair(bench, "1M")


@row("dd bs=128k of 1 GiB", least=1.0, rounds=9)
def row_dd_128k(bench):
    return dd_pair(bench, "128k")


def resident(argv, env):
    """MiB at most of a process, looked at every few ms: what wait4() tells begins with the parent's."""
    highest = 0
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            with open(f"/proc/{child.pid}/status", encoding="ascii") as status:
                told = [line.split()[1] for line in status if line.startswith("VmHWM:")]
            highest = int(told[0]) if told else highest
            time.sleep(0.005)
    if child.returncode:
        raise RuntimeError(f"{argv} ended with status {child.returncode}")
    return {"memory": highest / 1024}


@row("400 MB read in pieces of 64 KiB, resident MiB more than of a local file",
     lambda figures: figures["cache"]["memory"] - figures["local"]["memory"], most=32, unit="MiB",
     rounds=3)
def row_resident(bench):
    cached, local = bench.file("file", max(int(400 * MIB * SCALE), 64 * MIB))
    bench.fresh("768M")
    bench.warm(cached)
    env = {**os.environ, **bench.environment()}
    return {"local": lambda: resident(["python3", "-c", PIECES, local], os.environ),
            "cache": lambda: resident(["python3", "-c", PIECES, cached], env)}
