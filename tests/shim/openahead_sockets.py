#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Another user with a small limit of descriptors sends files through sockets: prints what failed."""
import os
import resource
import socket
import time

resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
failed = set()
for _ in range(500):
    ends = socket.socketpair()
    try:
        socket.send_fds(ends[0], [b"x"], [0])
    except OSError as error:
        failed.add(error.strerror)
    for end in ends:
        end.close()
    time.sleep(0.01)
print(*failed)
