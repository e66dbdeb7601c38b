#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Open the first files of each directory, three times: openahead_part.py TOP."""
import os
import sys

for _ in range(3):
    for d in range(10):
        for name in sorted(os.listdir(f"{sys.argv[1]}/d{d}"))[:20]:
            os.close(os.open(f"{sys.argv[1]}/d{d}/{name}", os.O_RDONLY))
