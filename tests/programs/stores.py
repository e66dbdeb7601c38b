# SPDX-License-Identifier: MIT
"""Databases with readers and writers at work, below the cache and outside of it.

    stores.py KIND DIRECTORY SECONDS COMMITS    readers and writers of a store; 0: all that they saw was right
    stores.py KIND DIRECTORY SECONDS COMMITS ROLE

Each commit gives a row of the head and some of the body the next version, and moves an amount from one row to another.
A reader has to see the sum of all, one version in head and body, and none that is older than the last commit it knew of
when it began: COMMITS, a file that is not cached, tells of it.
"""
import mmap
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import time

ROWS = 2000
AMOUNT = 1000
SIZE = 600
LEAST = 20  # commits, however long a busy machine takes for them ...
PATIENCE = 120  # ... but for so many seconds


class Sqlite:
    def __init__(self, path, journal):
        self.c = sqlite3.connect(path + "/db", isolation_level=None, timeout=30)
        self.c.execute("pragma journal_mode = " + journal)
        self.c.execute("pragma cache_size = 20")

    def make(self):
        self.c.execute("create table head (id integer primary key, version)")
        self.c.execute("create table body (id integer primary key, version, amount, bytes)")
        self.c.execute("begin")
        self.c.execute("insert into head values (1, 0)")
        self.c.executemany("insert into body values (?, 0, ?, ?)", [(i, AMOUNT, os.urandom(SIZE)) for i in range(ROWS)])
        self.c.execute("commit")

    def write(self, rows):
        self.c.execute("begin immediate")
        version = self.c.execute("select version from head").fetchone()[0] + 1
        self.c.execute("update head set version = ?", (version,))
        for sign, row in zip((1, -1), rows):
            self.c.execute("update body set version = ?, amount = amount + ?, bytes = randomblob(?) where id = ?",
                           (version, sign, SIZE, row))
        self.c.execute("commit")
        return version

    def read(self):
        self.c.execute("begin")
        head = self.c.execute("select version from head").fetchone()[0]
        total, newest = self.c.execute("select sum(amount), max(version) from body").fetchone()
        self.c.execute("commit")
        return head, newest, total

    def check(self):
        return self.c.execute("pragma integrity_check").fetchone()[0]


class Lmdb:
    def __init__(self, path):
        import lmdb
        self.e = lmdb.open(path + "/env", map_size=1 << 26)

    def make(self):
        with self.e.begin(write=True) as t:
            t.put(b"head", struct.pack("<Q", 0))
            for i in range(ROWS):
                t.put(b"%d" % i, struct.pack("<Qq", 0, AMOUNT) + os.urandom(SIZE))

    def write(self, rows):
        with self.e.begin(write=True) as t:
            version = struct.unpack("<Q", t.get(b"head"))[0] + 1
            t.put(b"head", struct.pack("<Q", version))
            for sign, row in zip((1, -1), rows):
                amount = struct.unpack("<Qq", t.get(b"%d" % row)[:16])[1]
                t.put(b"%d" % row, struct.pack("<Qq", version, amount + sign) + os.urandom(SIZE))
        return version

    def read(self):
        total = newest = 0
        with self.e.begin() as t:
            for key, value in t.cursor():
                if key == b"head":
                    head = struct.unpack("<Q", value)[0]
                else:
                    version, amount = struct.unpack("<Qq", value[:16])
                    total += amount
                    newest = max(newest, version)
        return head, newest, total

    def check(self):
        with self.e.begin() as t:
            return "ok" if sum(1 for _ in t.cursor()) == t.stat()["entries"] == ROWS + 1 else "entries are missing"


class Hdf5:
    """Its locks are for a file that is open: each transaction opens it anew."""
    def __init__(self, path):
        self.name = path + "/file.h5"

    def open(self, mode):
        import h5py
        # or three readers have it between them all the time
        time.sleep(0.05 if mode == "r" else 0)
        for _ in range(3000):
            try:
                return h5py.File(self.name, mode)
            except BlockingIOError:
                time.sleep(0.01)
        sys.exit("the file stays locked")

    def make(self):
        import numpy
        with self.open("w") as f:
            f["head"] = [0]
            f["version"] = numpy.zeros(ROWS, "u8")
            f["amount"] = numpy.full(ROWS, AMOUNT, "i8")
            f.create_dataset("bytes", (ROWS, SIZE), "u1", chunks=(16, SIZE))[:] = 7

    def write(self, rows):
        with self.open("r+") as f:
            version = int(f["head"][0]) + 1
            f["head"][0] = version
            for sign, row in zip((1, -1), rows):
                f["version"][row] = version
                f["amount"][row] += sign
                f["bytes"][row] = version % 256
        return version

    def read(self):
        with self.open("r") as f:
            newest = f["version"][:].argmax()
            head = int(f["head"][0])
            # the bytes of a row are of its version
            if head and (f["bytes"][newest] != head % 256).any():
                sys.exit("row %d has bytes of another version than %d" % (newest, head))
            return head, int(f["version"][newest]), int(f["amount"][:].sum())

    def check(self):
        if not shutil.which("h5dump"):
            return "ok"
        return "h5dump failed" if subprocess.run(["h5dump", self.name], stdout=subprocess.DEVNULL).returncode else "ok"


KINDS = {
    "hdf5": Hdf5,
    "sqlite-delete": lambda path: Sqlite(path, "delete"),
    "sqlite-wal": lambda path: Sqlite(path, "wal"),
    "lmdb": Lmdb,
}


def commits_of(path):
    with open(path, "r+b") as f:
        return mmap.mmap(f.fileno(), 8)


def goes_on(commits, end):
    now = time.time()
    return now < end or (now < end + PATIENCE and struct.unpack("<Q", commits[:8])[0] < LEAST)


def write(store, commits, end):
    while goes_on(commits, end):
        version = store.write(random.sample(range(ROWS), 2))
        if version > struct.unpack("<Q", commits[:8])[0]:
            commits[:8] = struct.pack("<Q", version)
        # so that the file settles, and is served, in between
        time.sleep(random.choice((0, 0.01, 0.1, 0.2)))


def read(store, commits, end):
    while goes_on(commits, end):
        least = struct.unpack("<Q", commits[:8])[0]
        head, newest, total = store.read()
        if head < least:
            sys.exit("a reader began after commit %d and saw %d" % (least, head))
        if head != newest or total != ROWS * AMOUNT:
            sys.exit("a mixture: %d in the head, %d in the body, sum %d" % (head, newest, total))


def main(kind, path, seconds, commits, role=None):
    if role:
        (write if role == "write" else read)(KINDS[kind](path), commits_of(commits), time.time() + float(seconds))
        return
    with open(commits, "wb") as f:
        f.write(bytes(8))
    store = KINDS[kind](path)
    store.make()
    del store
    outside = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("RAWCACHE")}
    jobs = [("write", None), ("write", outside), ("read", None), ("read", None), ("read", None)]
    running = [subprocess.Popen([sys.executable] + sys.argv + [job], env=env) for job, env in jobs]
    failed = sum(p.wait() != 0 for p in running)
    store = KINDS[kind](path)
    whole = store.check()
    print("%s: %d commits, %s" % (kind, store.read()[0], whole))
    sys.exit(failed or whole != "ok")


main(*sys.argv[1:])
