#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A reader that says when it is on its way through a file, and stays: tier_stays.py FILE."""
import os
import sys
import time

with open(sys.argv[1], "rb", 0) as f:
    f.read(1 << 20)
    print(os.getpid(), "is on the way", flush=True)
    f.read()
    time.sleep(100)
