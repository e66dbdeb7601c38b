# SPDX-License-Identifier: MIT
"""The words of probes.py."""
import ctypes
import errno
import os
import subprocess
import sys

TOP, BACK = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
PLAIN = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
CASES = []


def case(function):
    CASES.append(function)
    return function


def tried(function, *args, **more):
    """What it returns, or the name of its error."""
    try:
        return function(*args, **more)
    except OSError as error:
        return errno.errorcode[error.errno]


def called(name, *args):
    ctypes.set_errno(0)
    got = getattr(libc, name)(*args)
    return got if got >= 0 else errno.errorcode[ctypes.get_errno()]


def content(fd):
    if not isinstance(fd, int):
        return fd
    got = tried(os.read, fd, 100)
    os.close(fd)
    return got


def read(path, flags=os.O_RDONLY, **more):
    return content(tried(os.open, path, flags, **more))


def other(text, *args):
    """Done by a program without the preload object, which ends before this goes on."""
    return subprocess.run([sys.executable, "-c", "import os, sys\n" + text, *args], env=PLAIN, check=False,
                          capture_output=True, text=True).stdout.strip()


def child(function, *args):
    """The same in a child, which may change its rights."""
    ends = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(ends[1], repr(tried(function, *args)).encode())
        os._exit(0)
    os.close(ends[1])
    got = b"".join(iter(lambda: os.read(ends[0], 4096), b""))
    os.close(ends[0])
    return got, os.waitpid(pid, 0)[1]


def as_nobody(function, *args):
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    return tried(function, *args)
