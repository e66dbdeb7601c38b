# SPDX-License-Identifier: MIT
# recall_file.py FILE: what tests/shim/shim_recall.c begins with
import struct
import sys

with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("=I", 1) * (256 * 1024))
