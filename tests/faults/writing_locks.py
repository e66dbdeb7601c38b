# SPDX-License-Identifier: MIT
"""Take a record lock on FILE, which was changed just now, open and read it again when it has settled: is it locked?

WAY is read, write, lockf, or executed: the lock is from before an exec().
"""
import fcntl
import os
import struct
import sys
import time

LOCK = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def locked(path):
    """Whether a child could not lock it."""
    child = os.fork()
    if not child:
        file = os.open(path, os.O_RDWR)
        answer = fcntl.fcntl(file, fcntl.F_GETLK, LOCK)
        os._exit(struct.unpack("hhqqi", answer)[0] != fcntl.F_UNLCK)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


path, way = sys.argv[1:]
if way == "executed":
    sys.argv[2] = "none"
    first = os.open(path, os.O_RDWR)
    os.set_inheritable(first, True)
    fcntl.fcntl(first, fcntl.F_SETLK, LOCK)
    os.execv(sys.executable, [sys.executable, *sys.argv])
os.utime(path)
if way == "read":
    first = os.open(path, os.O_RDONLY)
    fcntl.fcntl(first, fcntl.F_SETLK, struct.pack("hhqqi", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0))
elif way != "none":
    first = os.open(path, os.O_RDWR)
    if way == "write":
        fcntl.fcntl(first, fcntl.F_SETLK, LOCK)
    else:
        os.lockf(first, os.F_LOCK, 0)
time.sleep(0.3)
second = os.open(path, os.O_RDONLY)
while os.read(second, 65536):
    pass
sys.exit(not locked(path))
