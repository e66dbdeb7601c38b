# SPDX-License-Identifier: MIT
"""Keeps all files of a directory in memory, and more and more besides: limits_memory.py DIRECTORY"""
import os
import sys

kept = [open(f"{sys.argv[1]}/{n}", "rb").read() for n in range(1, 9)]
while True:
    kept.append(bytearray(os.urandom(1 << 20)))
