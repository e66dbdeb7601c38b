#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that becomes another user before it reads: told_rights.py FILE."""
import os
import sys

os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(len(open(sys.argv[1], "rb").read()))
