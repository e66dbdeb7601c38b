#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Open all files of a tree in no order: openahead_mixed.py TOP."""
import os
import random
import sys

names = [os.path.join(d, f) for d, _, fs in os.walk(sys.argv[1]) for f in fs]
random.seed(7)
random.shuffle(names)
for name in names:
    os.close(os.open(name, os.O_RDONLY))
