# SPDX-License-Identifier: MIT
"""Make a snapshot between two changes of a file within one tick: snapshots.py BTRFS-MOUNT

Then cur/f and snap/f have the same attributes. Fails if that does not happen in 50 attempts.
"""
import fcntl
import os
import struct
import sys

SUBVOL_CREATE, SNAP_CREATE = 0x5000940E, 0x50009401

top = sys.argv[1]
to = os.open(top, os.O_RDONLY)


def argument(fd, name):
    return bytearray(struct.pack("q4088s", fd, name))


def attributes(st):
    return st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns


fcntl.ioctl(to, SUBVOL_CREATE, argument(0, b"cur"))
f = os.open(top + "/cur/f", os.O_RDWR | os.O_CREAT, 0o600)
for i in range(50):
    source = os.open(top + "/cur", os.O_RDONLY)
    os.pwrite(f, b"version one\n" * 25000, 0)
    fcntl.ioctl(to, SNAP_CREATE, argument(source, b"s%d" % i))
    os.pwrite(f, b"version two\n" * 25000, 0)
    if attributes(os.fstat(f)) == attributes(os.stat(top + "/s%d/f" % i)):
        os.rename(top + "/s%d" % i, top + "/snap")
        sys.exit(0)
sys.exit(1)
