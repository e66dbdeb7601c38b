#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Another program that has a record lock for a minute: record_locks_other.py FILE."""
import fcntl
import sys
import time

with open(sys.argv[1], "rb") as file:
    fcntl.lockf(file, fcntl.LOCK_SH)
    time.sleep(60)
