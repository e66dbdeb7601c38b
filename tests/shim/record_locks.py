# SPDX-License-Identifier: MIT
"""Take a record lock on FILE, then do WAY, for which the cache opens the file once more: is it still locked?"""
import ctypes
import fcntl
import mmap
import os
import struct
import sys

libc = ctypes.CDLL(None)
libc.opendir.restype = ctypes.c_void_p
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.dirfd.argtypes = [ctypes.c_void_p]


def record(kind):
    return struct.pack("hhqqi", kind, os.SEEK_SET, 0, 0, 0)


def locked(path):
    """Whether a child could not lock it."""
    child = os.fork()
    if not child:
        answer = fcntl.fcntl(os.open(path, os.O_RDONLY), fcntl.F_GETLK, record(fcntl.F_WRLCK))
        os._exit(struct.unpack("hhqqi", answer)[0] != fcntl.F_UNLCK)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def lock_file(file):
    fcntl.fcntl(file, fcntl.F_SETLK, record(fcntl.F_RDLCK))


def lock(path):
    file = os.open(path, os.O_RDONLY)
    lock_file(file)
    return file


def read(path, other):
    """Helpers fetch what is read and follow what is mapped. Then another program has the lock, which goes on so."""
    file = lock(path)
    while os.read(file, 100000):
        pass
    size = os.fstat(file).st_size
    # Python's own mmap has a descriptor that exec() closes
    memory = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
    sum(ctypes.string_at(memory, size)[:: mmap.PAGESIZE])
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
    if not locked(path):
        sys.exit("lost while it was read")
    os.set_inheritable(file, True)
    os.execv(sys.executable, [sys.executable, sys.argv[0], "nothing", path, other])


def library(path, other):
    """Its data are mapped at the first dlsym(), its code is searched when the next file is tracked."""
    file = os.open(path, os.O_RDONLY)
    library = ctypes.CDLL(path)
    lock_file(file)
    ctypes.c_char.in_dll(library, "library_data")
    os.read(os.open(other, os.O_RDONLY), 1)


def frozen(path, other):
    """A lock is asked about through another descriptor, which is a copy in memory until then."""
    second = os.open(path, os.O_RDONLY)
    lock(path)
    fcntl.flock(second, fcntl.LOCK_SH)


def listing(path, other):
    """The descriptor of a listing that a record answers is the directory's when the program asks for it."""
    names = libc.opendir(path.encode())
    lock(path)
    libc.dirfd(names)


def again(path, other):
    """Each replaced copy is closed, though others have locked the file."""
    first = lock(other)
    for _ in range(50):
        file = lock(path)
        fcntl.fcntl(file, fcntl.F_GETLK, record(fcntl.F_WRLCK))
        os.close(file)
    file = lock(path)
    if file > first + 40:
        sys.exit(f"the last of 50 files was {file}, after {first}")


way, path, other = sys.argv[1:]
ways = {"read": read, "library": library, "frozen": frozen, "listing": listing, "again": again}
if way in ways:
    ways[way](path, other)
sys.exit(not locked(path))
