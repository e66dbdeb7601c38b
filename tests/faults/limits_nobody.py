# SPDX-License-Identifier: MIT
"""Runs another script as a user who may have no process and no thread more: limits_nobody.py SCRIPT ARGUMENT..."""
import os
import resource
import sys

os.setgid(65534)
os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    os.fork()
    sys.exit("fork works")
except BlockingIOError:
    pass
sys.argv = sys.argv[1:]
exec(open(sys.argv[0]).read())
