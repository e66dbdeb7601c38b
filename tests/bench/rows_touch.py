# SPDX-License-Identifier: MIT
"""Rows about first passes over mappings: how long they take, and what they ask of the origin.

The origin, of 2 ms and 200 MB/s, is mounted anew for each run, and the image has one small other file. A row is a
share of what the mount alone takes, in time or, where its name ends so, in bytes.
"""
import os
import random
import shutil
import subprocess
import sys

from whole import SCALE, Side, Skip, row

MIB = 1 << 20
SLOW = ("--latency=2", "--bandwidth=200M")
LOOK = """import lmdb, sys
with lmdb.open(sys.argv[1], readonly=True, lock=False).begin() as t:
    print(len(t.get(b"77")), len(t.get(b"3500")))
"""
MAKE = """import lmdb, os, sys
with lmdb.open(sys.argv[1], map_size=1 << 26).begin(write=True) as t:
    for i in range(5000):
        t.put(b"%d" % i, os.urandom(4000))
"""


class Anew(Side):
    """A program on a mount that has just been made; with `bench`, below an empty cache."""

    def __init__(self, point, mount, argv, before=None, bench=None):
        super().__init__(argv, bench.environment(point) if bench else None)
        self.point, self.mount, self.before, self.bench = point, mount, before, bench

    def run(self):
        subprocess.run(["fusermount3", "-u", self.point], check=True)
        subprocess.run(self.mount, check=True)
        if self.bench:
            self.bench.fresh("1G")
            self.bench.call(*self.before, env=self.env)
            with open(f"{self.point}/.origin/control", "w", encoding="ascii") as control:
                control.write("reset\n")
        figures = super().run()
        with open(f"{self.point}/.origin/stats", encoding="ascii") as told:
            stats = dict(line.split()[:2] for line in told)
        return {**figures, "bytes": int(stats["read_bytes"])}


def first_touch(bench, before, argv):
    """@ is the mount. `before` is the same program on another file: the image and the program have been used."""
    bench.settle()
    point = bench.origin(bench.cached, *SLOW)
    before, argv = ([word.replace("@", point) for word in words] for words in (before, argv))
    mount = [bench.program("tests/origin/origin"), *SLOW, bench.cached, point]
    return {"mount": Anew(point, mount, argv), "cache": Anew(point, mount, argv, before, bench)}


def rows_of(name, text, function, most, rounds=9):
    """Two rows, of time and of bytes."""
    for what, ending, bound in (("wall", "", most), ("bytes", "_bytes", 4.0)):
        def prepare(bench):
            return function(bench)
        prepare.__name__ = f"row_{name}{ending}"
        row(f"first pass over a mapping: {text}, {'time' if what == 'wall' else what}",
            lambda figures, what=what: figures["cache"][what] / figures["mount"][what],
            most=bound, rounds=rounds)(prepare)


def git_log(bench):
    """A pack of some 6 MB, of 1,000 commits."""
    if not shutil.which("git"):
        raise Skip("git is not installed")
    random.seed(5)
    git = ["git", "-C", f"{bench.cached}/repo"]
    bench.call("git", "init", "-q", "--bare", f"{bench.cached}/repo")
    stream = []
    for i in range(1000):
        stream.append(f"commit refs/heads/master\ncommitter a <a@b> {1000000000 + i} +0000\ndata <<.\n"
                      f"Change {i}: {random.random()}\n.\n")
        for _ in range(3):
            stream.append(f"M 644 inline dir{i % 30}/file{random.randrange(200)}\ndata <<.\n"
                          f"{random.randbytes(1500).hex()}\n.\n")
    bench.call(*git, "fast-import", "--quiet", input="".join(stream).encode())
    bench.call(*git, "repack", "-qadf")
    bench.call("git", "init", "-q", "--bare", f"{bench.cached}/other")
    git = ["git", "-c", "safe.directory=*", "-C"]
    return first_touch(bench, [*git, "@/other", "config", "--list"], [*git, "@/repo", "log", "--oneline", "master"])


def names_of(bench):
    """nm of an object of 16 MB that has few symbols."""
    if not shutil.which("gcc"):
        raise Skip("gcc is not installed")
    source = f"{bench.work}/object.c"
    with open(source, "w", encoding="ascii") as f:
        f.write("const char data[16 << 20] = {1};\n")
        f.writelines(f"int name_of_a_function_{i}(void) {{ return {i}; }}\n" for i in range(2000))
    bench.call("gcc", "-shared", "-fPIC", "-o", f"{bench.cached}/object.so", source)
    with open(source, "w", encoding="ascii") as f:
        f.write("int a_name;\n")
    bench.call("gcc", "-shared", "-fPIC", "-o", f"{bench.cached}/other.so", source)
    return first_touch(bench, ["nm", "-D", "@/other.so"], ["nm", "-D", "@/object.so"])


def look_ups(bench):
    """Two look-ups in an LMDB of 22 MB."""
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    if subprocess.run([python, "-c", "import lmdb"], check=False, stderr=subprocess.DEVNULL).returncode:
        raise Skip("python3-lmdb is not installed")
    bench.call(python, "-c", MAKE, f"{bench.cached}/lmdb")
    with open(f"{bench.cached}/other", "wb") as f:
        f.write(bytes(8192))
    read = "import lmdb, sys\nopen(sys.argv[1], 'rb').read()"
    return first_touch(bench, [python, "-c", read, "@/other"], [python, "-c", LOOK, "@/lmdb"])


def everything(bench):
    """What a loader of models does: all pages of 64 MiB, in order."""
    bench.file("file", max(int(64 * MIB * SCALE), 8 * MIB))
    bench.file("other", 8192)
    touch = [sys.executable, "-c", "import mmap, sys\n"
             "with open(sys.argv[1], 'rb') as f:\n"
             " at = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\n"
             " print(sum(at[i] for i in range(0, len(at), 4096)))"]
    return first_touch(bench, [*touch, "@/other"], [*touch, "@/file"])


rows_of("log", "git log of a pack of 6 MB", git_log, 1.3)
rows_of("nm", "nm of 16 MB", names_of, 1.3)
rows_of("lookup", "two look-ups in an LMDB of 22 MB", look_ups, 1.3)
rows_of("touch", "all pages of 64 MiB", everything, 1.0, rounds=5)
