# SPDX-License-Identifier: MIT
"""Two databases of SQLite in DIRECTORY, db and wal: served_databases.py DIRECTORY"""
import os, sqlite3, sys
for name, mode in (("db", "delete"), ("wal", "wal")):
    c = sqlite3.connect(sys.argv[1] + "/" + name)
    c.execute("pragma journal_mode=" + mode)
    c.execute("create table t (v)")
    c.executemany("insert into t values (?)", [(os.urandom(1000),) for _ in range(6000)])
    c.commit()
    c.close()
