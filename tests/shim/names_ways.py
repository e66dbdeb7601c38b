# SPDX-License-Identifier: MIT
"""Ways in which a name that was absent becomes another file's: names_ways.py WAY MOUNT OTHER

Below the shim, in a mount namespace of its own, as root. MOUNT/dir/made is known to be absent; OTHER has a directory
"dir" with a file "made".
"""
import ctypes
import os
import platform
import struct
import sys
import time

way, mount, other = sys.argv[1:]
top = os.path.join(mount, "dir")
name = os.path.join(top, "made")
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
MS_BIND = 4096


def seen(path):
    """What access(), lstat() and open() say; they must agree."""
    try:
        os.close(os.open(path, os.O_RDONLY))
        opened = True
    except FileNotFoundError:
        opened = False
    assert os.access(path, os.F_OK) == os.path.lexists(path) == opened
    return opened


def mounted(source, target):
    assert not libc.mount(source.encode(), target.encode(), None, MS_BIND, None), os.strerror(ctypes.get_errno())


def filtered():
    """From now on openat2() kills; it has one number on all machines."""
    assert platform.machine() in ("x86_64", "aarch64")
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, 437), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
    program = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(code)))
    assert not libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    assert not libc.prctl(PR_SET_SECCOMP, FILTER, program, 0, 0)


for wait in (2.3, 0, 0):
    assert not seen(name)
    time.sleep(wait)
if way == "mount":
    mounted(os.path.join(other, "dir"), top)
    assert seen(name)
    assert not libc.umount2(top.encode(), 0)
    assert not seen(name)
elif way == "above":
    mounted(other, mount)
    assert seen(name)
elif way == "chroot":
    # the same path from another root
    place = os.path.join(other, "root")
    os.makedirs(os.path.join(place + mount, "dir"))
    open(place + name, "w").close()
    os.chroot(place)
    assert seen(name)
elif way == "relative":
    os.chdir(top)
    assert not seen("made")
    os.chdir(os.path.join(other, "dir"))
    assert seen("made")
elif way == "thread":
    # a namespace of one thread
    os.chdir("/")
    os.unshare(os.CLONE_NEWNS) if hasattr(os, "unshare") else libc.unshare(0x20000)
    mounted(os.path.join(other, "dir"), top)
    assert seen(name)
elif way == "filter":
    filtered()
    for _ in range(3):
        assert not seen(name)
    open(name, "w").close()
    assert seen(name)
    os.unlink(name)
elif way == "descriptors":
    # answers take no number away, and leave none
    first = os.open("/", os.O_RDONLY)
    for _ in range(100):
        assert not seen(name)
    second = os.open("/", os.O_RDONLY)
    assert second == first + 1, (first, second)
print("right")
