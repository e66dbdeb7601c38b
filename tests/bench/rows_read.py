# SPDX-License-Identifier: MIT
"""Rows about reads of what is in the cache already."""
import json
import os
import shutil
import subprocess

from whole import SCALE, Side, Skip, ratio, row

MIB = 1 << 20


@row("pread of 64 bytes at random, times what memcpy out of a mapping takes",
     lambda figures: figures["all"]["cache"] / figures["all"]["memory"], most=2.5, rounds=3)
def row_pread_64(bench):
    cached, local = bench.file("file", 64 * MIB)
    program = bench.program("tests/bench/bench_read")
    bench.fresh()
    bench.warm(cached)
    env = {**os.environ, **bench.environment()}

    def run():
        with subprocess.Popen([program, cached, local, "--json"], env=env, text=True,
                              stdout=subprocess.PIPE) as bench_read:
            for told in map(json.loads, bench_read.stdout):
                if told["size"] == "64" and told["pattern"] == "random":
                    bench_read.kill()  # the other sizes are rows of `scripts/bench read`
                    return {"cache": told["cache_ns"], "memory": told["memcpy_ns"],
                            "native": told["native_ns"]}
        raise RuntimeError("bench_read told nothing of 64 bytes")
    return {"all": run}


def tree(bench, files, size, *options):
    """`files` files below cached/ and local/; the mount of the former, of the test's own file system."""
    for i in range(files):
        directory = f"{bench.cached}/tree/{i // 500}"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/{i}", "wb") as f:
            f.write(os.urandom(size))
    shutil.copytree(bench.cached + "/tree", bench.local + "/tree")
    return bench.origin(bench.cached, *options)


@row("open, read and close of a warm tree of 5,000 files, against the kernel's cache of the mount",
     ratio("mount", "cache"), least=0.95)
def row_tree(bench):
    mount = tree(bench, max(int(5000 * SCALE), 100), 4096, "--keep-cache", "--attr-timeout=60",
                 "--entry-timeout=60")
    bench.fresh()
    bench.warm(mount)
    reader = ["sh", "-c", 'find "$1/tree" -type f -exec cat {} +', "sh"]
    return {"local": Side(reader + [bench.local]), "mount": Side(reader + [mount]),
            "cache": Side(reader + [mount], bench.environment(mount))}


def random_readers(bench, size):
    if not shutil.which("fio"):
        raise Skip("fio is not installed")
    cached, local = bench.file("file", 256 * MIB)
    bench.fresh("1G")
    bench.warm(cached)

    def fio(path):
        return ["fio", "--name=r", "--rw=randread", "--ioengine=psync", "--numjobs=8",
                "--norandommap", "--invalidate=0", "--allow_file_create=0", "--readonly", f"--bs={size}",
                f"--io_size={int(128 * MIB * SCALE)}", f"--filename={path}"]
    return {"local": Side(fio(local)), "cache": Side(fio(cached), bench.environment())}


@row("4 KiB at random by 8 processes", least=1.8)
def row_random_4k(bench):
    return random_readers(bench, "4k")


@row("64 KiB at random by 8 processes", least=1.2)
def row_random_64k(bench):
    return random_readers(bench, "64k")
