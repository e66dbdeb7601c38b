#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that reads all small files of a tree and asks for names that it does not have: frozen_walk.py TREE."""
import os
import sys

for d, _, files in os.walk(sys.argv[1]):
    for f in files:
        p = os.path.join(d, f)
        if os.path.isfile(p) and os.path.getsize(p) < 1 << 20:
            if f == "secret":
                os.stat(p)
            else:
                with open(p, "rb") as small:
                    small.read()
        os.path.exists(p + ".no")
