# SPDX-License-Identifier: MIT
"""For tests/faults/fill_errors.sh and its neighbours: what a program sees. fill_probe.py HOW FILE [ARGUMENT]...

Everything is printed, so that a run below the cache can be compared with one without.
"""
import hashlib
import os
import resource
import signal
import sys
import time

MIB = 1 << 20


def show(fd, n, offset):
    """The outcome of one read."""
    try:
        got = os.pread(fd, n, offset)
        return f"{offset} {len(got)} {hashlib.md5(got).hexdigest()}"
    except OSError as e:
        return f"{offset} {e.errno}"


def reads(path):
    """Reads of all kinds: small, across chunks, the end, and beyond."""
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    for n, offset in ((100, 0), (4096, 5 * MIB), (MIB, MIB - 7), (1 << 16, 3 * MIB), (5000, size - 100),
                      (10, size + 10)):
        print(show(fd, n, offset))
    try:
        with open(path, "rb") as f:
            print(hashlib.md5(f.read()).hexdigest())
    except OSError as e:
        print(e.errno)


def whole(path):
    with open(path, "rb") as f:
        print(hashlib.md5(f.read()).hexdigest())


def vanish(path, pid):
    """The origin's server dies while the file is open: an error, not a wrong byte or a hang."""
    fd = os.open(path, os.O_RDONLY)
    first = os.pread(fd, 1000, 0)
    os.kill(int(pid), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    print(show(fd, 1000, 20 * MIB))
    try:
        assert os.pread(fd, 1000, 0) == first
    except OSError:
        pass
    try:
        os.open(path, os.O_RDONLY)
        print("opened")
    except OSError as e:
        print(e.errno)


def starved(path):
    """No memory is to be had from the time on that the file is open, but before it is read."""
    fd = os.open(path, os.O_RDONLY)
    buf = memoryview(bytearray(MIB))
    right = hashlib.md5()
    with open("/proc/self/statm") as f:
        used = int(f.read().split()[0]) * resource.getpagesize()
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used, limit[1]))
    got = os.preadv(fd, [buf], 0)
    offset = 0
    while got > 0:
        right.update(buf[:got])
        offset += got
        got = os.preadv(fd, [buf], offset)
    resource.setrlimit(resource.RLIMIT_AS, limit)
    print(offset, right.hexdigest())


def cured(path, control, stats):
    """The image's disk fails, is left alone, and is used again when it works: in one process."""
    fd = os.open(path, os.O_RDONLY)
    chunk = 1 << 18
    right = [hashlib.md5(os.pread(fd, chunk, i * chunk)).digest() for i in range(3)]

    def writes():
        with open(stats) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("write "))

    def tell(line):
        with open(control, "w") as f:
            f.write(line + "\n")

    tell("fail write EIO")
    for i in range(40):
        os.pread(fd, chunk, (20 + i) * chunk)
    tried = writes()
    for i in range(40):
        os.pread(fd, chunk, (20 + i) * chunk)
    # helpers may have begun some before, and each pause ends with a try: 40 or more if it were not left alone
    print("left alone" if writes() - tried < 10 else f"{writes() - tried} writes more")
    tried = writes()
    tell("clear")
    deadline = time.monotonic() + 20
    while writes() == tried and time.monotonic() < deadline:
        time.sleep(0.2)
        os.pread(fd, chunk, 70 * chunk)
    print("used again" if writes() > tried else "not used again")
    print("right" if [hashlib.md5(os.pread(fd, chunk, i * chunk)).digest()
                      for i in range(3)] == right else "wrong")


def apart(got, right):
    """Which bytes are not what they shall be, and what they are: zeros, other bytes of the file, or neither."""
    with open(got, "rb") as f, open(right, "rb") as g:
        a, b = f.read(), g.read()
    print(len(a), "bytes of", len(b))
    told = 0
    for at in range(0, min(len(a), len(b)), 4096):
        page, wanted = a[at:at + 4096], b[at:at + 4096]
        if page == wanted or told == 8:
            continue
        told += 1
        wrong = [i for i, (x, y) in enumerate(zip(page, wanted)) if x != y]
        some = page[wrong[0]:wrong[0] + 16]
        what = "zeros" if not any(some) else f"those of {b.find(some)}" if some in b else some.hex()
        print(f"page at {at}: wrong from {wrong[0]} to {wrong[-1]}, {what}")


globals()[sys.argv[1]](*sys.argv[2:])
