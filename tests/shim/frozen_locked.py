#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A lock, for which a copy of a file must become the real one: frozen_locked.py FILE prints the file as it was opened,
its size, and the file as it is when it is opened again."""
import fcntl
import os
import sys

fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_SH)
print(os.read(fd, 99).decode(), end="")
with open(sys.argv[1]) as again:
    print(os.fstat(fd).st_size, again.read(), end="")
