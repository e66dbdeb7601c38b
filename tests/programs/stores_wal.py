# SPDX-License-Identifier: MIT
"""A reader of SQLite's log, which another process, outside of the cache, begins again from its start: no byte of the
log's old frames may be seen. stores_wal.py DATABASE; 0: none was."""
import os
import sqlite3
import subprocess
import sys
import time


def connect(path):
    c = sqlite3.connect(path, isolation_level=None)
    c.execute("pragma journal_mode = wal")
    c.execute("pragma wal_autocheckpoint = 0")
    c.execute("pragma cache_size = 5")
    return c


def main(path, version=None):
    c = connect(path)
    if version:
        c.execute("update t set v = ? || substr(v, 3)", (version,))
        c.execute("pragma wal_checkpoint(passive)")
        return
    c.execute("create table t (id integer primary key, v)")
    c.executemany("insert into t values (?, ?)", [(i, "10" + "x" * 900) for i in range(500)])
    writer = c  # stays, or the log would be gone with it
    c = connect(path)  # what has been written through is the kernel's
    outside = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("RAWCACHE")}
    for version in range(11, 20):
        time.sleep(0.1)
        for _ in range(2):
            c.execute("select max(v) from t").fetchone()
        subprocess.run([sys.executable, sys.argv[0], path, str(version)], env=outside, check=True)
        time.sleep(0.1)
        for _ in range(2):
            seen = c.execute("select min(substr(v, 1, 2)), max(substr(v, 1, 2)) from t").fetchone()
            if seen != (str(version), str(version)):
                sys.exit("after %d the reader sees %r" % (version, seen))


main(*sys.argv[1:])
