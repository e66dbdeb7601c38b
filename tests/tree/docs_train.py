# SPDX-License-Identifier: MIT
"""A loader of training data: reads all files of a directory, three times: train.py [DIRECTORY]"""
import pathlib
import sys

for epoch in range(3):
    for part in sorted(pathlib.Path((sys.argv[1:] or ["/mnt/nfs/train"])[0]).iterdir()):
        part.read_bytes()
