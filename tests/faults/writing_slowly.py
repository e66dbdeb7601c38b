# SPDX-License-Identifier: MIT
"""Copy the file SOURCE into FILE, in its place, by one call that reads a mapping of SOURCE page for page."""
import mmap
import os
import sys

with open(sys.argv[1], "rb") as source:
    pages = mmap.mmap(source.fileno(), 0, prot=mmap.PROT_READ)
pages.madvise(mmap.MADV_RANDOM)
to = os.open(sys.argv[2], os.O_WRONLY)
sys.exit(os.pwrite(to, pages, 0) != len(pages))
