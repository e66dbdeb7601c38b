# SPDX-License-Identifier: MIT
"""Reads for tests/faults/fill.sh: fill_reads.py HOW FILE REFERENCE; every byte is compared."""
import ctypes
import fcntl
import os
import random
import signal
import sys
import time

how, path, reference = sys.argv[1:4]
file = os.open(path, os.O_RDONLY)
ref = os.open(reference, os.O_RDONLY)
size = os.fstat(ref).st_size


def compare(n, offset):
    got = os.pread(file, n, offset)
    if got != os.pread(ref, n, offset):
        sys.exit(f"{how}: wrong bytes in {n} at {offset}")
    return len(got)


def sequential(n):
    offset = 0
    while offset < size:
        offset += compare(n, offset)


def at_random(count, seed):
    random.seed(seed)
    for _ in range(count):
        compare(4096, random.randrange(size // 4096) * 4096)


def strided():
    for offset in range(0, size, 1 << 20):
        compare(1 << 17, offset)


def backwards():
    for offset in range(size - (1 << 16), 0, -(1 << 16)):
        compare(1 << 16, offset)


def advised():
    os.posix_fadvise(file, 0, 4 << 20, os.POSIX_FADV_WILLNEED)
    time.sleep(0.5)
    for offset in range(0, 4 << 20, 1 << 16):
        compare(1 << 16, offset)


def forking():
    offset = 0
    children = []
    for number in range(20):
        for _ in range(6):
            offset += compare(1 << 16, offset)
        child = os.fork()
        if not child:
            for k in range(10):
                compare(1 << 16, (offset + (k << 16)) % size)
            os._exit(0)
        children.append(child)
    if any(os.waitpid(child, 0)[1] for child in children):
        sys.exit("forking: a child failed")


def locked():
    """Reading ahead must not cost the program its POSIX locks."""
    fcntl.lockf(file, fcntl.LOCK_SH, 100, 0)
    sequential(1 << 16)
    if not os.fork():
        other = os.open(path, os.O_RDWR)
        try:
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 0)
        except OSError:
            os._exit(0)
        os._exit(1)
    if os.wait()[1]:
        sys.exit("locked: the lock is gone")


def closing():
    """Descriptors that are closed and used again while reads ahead are under way."""
    for number in range(60):
        fd = os.open(path, os.O_RDONLY)
        for k in range(4):
            offset = (number << 18) % (size >> 1) + (k << 18)
            if os.pread(fd, 1 << 18, offset) != os.pread(ref, 1 << 18, offset):
                sys.exit(f"closing: wrong bytes at {offset}")
        os.close(fd)
        fd = os.open(sys.argv[4], os.O_RDONLY)
        os.pread(fd, 1 << 18, 0)
        os.close(fd)
    sequential(1 << 18)


def held(name):
    """Descriptors of all our threads that are `name`: helpers have a table of their own."""
    found = 0
    for task in os.listdir("/proc/self/task"):
        try:
            for fd in os.listdir(f"/proc/self/task/{task}/fd"):
                found += os.readlink(f"/proc/self/task/{task}/fd/{fd}") == name
        except OSError:
            pass  # it has ended
    return found


def released():
    """What a program has closed is open nowhere: it may be removed, or unmounted."""
    idle = at_once = 0
    for number in range(8):
        fd = os.open(sys.argv[4], os.O_RDONLY)
        for k in range(5):
            os.pread(fd, 1 << 18, (number << 22) + (k << 18))
        time.sleep(number % 2 * 0.1)  # with reads under way, and without
        idle += number % 2 and held(sys.argv[4]) > 1
        os.close(fd)
        at_once += number % 2 and not held(sys.argv[4])
        for _ in range(1000):
            if not held(sys.argv[4]):
                break
            time.sleep(0.01)
        else:
            sys.exit("released: the file is still open")
    if not idle or at_once < 4 - idle // 2:
        sys.exit(f"released: kept open {idle} times, closed at once {at_once} times of 4")


def apart():
    """A mount that stalls, with all the reads ahead it may have, holds up nobody else's."""
    for name in sys.argv[4:]:
        os.posix_fadvise(os.open(name, os.O_RDONLY), 0, 0, os.POSIX_FADV_WILLNEED)
    sequential(1 << 16)


def leaving():
    """Read many small files, and end without exit(), or become another program."""
    for name in sorted(os.listdir(path)):
        with open(f"{path}/{name}", "rb") as f, open(f"{reference}/{name}", "rb") as r:
            if f.read() != r.read():
                sys.exit(f"leaving: wrong bytes in {name}")
    match sys.argv[4]:
        case "_exit":
            os._exit(0)
        case "exec":
            os.execv("/bin/true", ["true"])
        case "quick_exit":
            ctypes.CDLL(None).quick_exit(0)
        case "syscall":
            ctypes.CDLL(None).syscall(231 if os.uname().machine == "x86_64" else 94, 0)
        case "again":  # what waits to be stored is read from memory, or waited for
            for name in sorted(os.listdir(path)):
                with open(f"{path}/{name}", "rb") as f, open(f"{reference}/{name}", "rb") as r:
                    if f.read() != r.read():
                        sys.exit(f"leaving: wrong bytes in {name} again")


def status_of(pid, name):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(name))


def bomb():
    """Generations of readers, some of them killed: the parent's descriptors and memory stay."""
    compare(1 << 16, 0)
    fds, size_kib = len(os.listdir("/proc/self/fd")), status_of("self", "VmSize")
    for number in range(30):
        children = []
        for k in range(8):
            child = os.fork()
            if not child:
                for i in range(4):
                    compare(1 << 18, ((number * 8 + k * 5 + i) << 18) % size)
                os._exit(0)
            children.append(child)
        time.sleep(0.005)
        for child in children[::2]:
            os.kill(child, signal.SIGKILL)
        if any(os.waitpid(child, 0)[1] not in (0, signal.SIGKILL) for child in children):
            sys.exit("bomb: a child failed")
        compare(1 << 16, (number << 20) % size)
    sequential(1 << 18)
    if len(os.listdir("/proc/self/fd")) > fds:
        sys.exit("bomb: descriptors are left")
    # a helper that makes the next one has an arena of malloc for it: 64 MiB of addresses
    if status_of("self", "VmSize") > size_kib + 3 * 65536:
        sys.exit("bomb: memory is left")


{
    "bomb": bomb,
    "sequential": lambda: sequential(1 << 16),
    "small": lambda: sequential(4096),
    "large": lambda: sequential(3 << 20),
    "random": lambda: at_random(int(sys.argv[4]), 1),
    "strided": strided,
    "backwards": backwards,
    "advised": advised,
    "forking": forking,
    "locked": locked,
    "closing": closing,
    "released": released,
    "apart": apart,
    "leaving": leaving,
}[how]()
