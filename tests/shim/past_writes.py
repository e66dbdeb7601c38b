# SPDX-License-Identifier: MIT
"""A second libc (dlmopen) writes to FILE, which is open for reading as well: each next read has the new bytes."""
import ctypes
import os
import sys

main = ctypes.CDLL(None)
main.dlmopen.restype = ctypes.c_void_p
second = ctypes.CDLL("libc.so.6", handle=main.dlmopen(ctypes.c_long(-1), b"libc.so.6", ctypes.c_int(2)))
second.pwrite.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long]
reader, writer = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[1], os.O_RDWR)
old = 0
for i in range(20):
    os.pread(reader, 4096, 0)
    word = b"%04d" % i
    if second.pwrite(writer, word, 4, 4 * i) != 4:
        sys.exit("pwrite")
    old += os.pread(reader, 4, 4 * i) != word
if old:
    sys.exit(f"{old} of 20 reads had old bytes")
