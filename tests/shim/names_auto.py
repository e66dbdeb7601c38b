#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Look for names that do not exist below MOUNT/dir, before it has settled and after that: names_auto.py MOUNT."""
import os
import sys
import time

for wait in (2.3, 0, 0):
    for n in range(50):
        assert not os.path.exists("%s/dir/none%d" % (sys.argv[1], n))
    time.sleep(wait)
