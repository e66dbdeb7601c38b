# SPDX-License-Identifier: MIT
"""Make an EROFS with one file, "f": mkerofs.py OUTPUT CONTENT

All times are the same each time, as with `mkfs.erofs -T`. Uncompressed, blocks of 4 KiB: the superblock, two
inodes, the root's entries, the file. See fs/erofs/erofs_fs.h of Linux. It stays in this folder: programs beside the
tree look for it here.
"""
import os
import struct
import sys

BLOCK = 4096
INODES, ENTRIES, DATA = 1, 2, 3  # blocks
ROOT, FILE = 1, 2  # inode numbers, in units of 32 bytes from INODES on
EPOCH = 1600000000


def inode(number, mode, links, size, block):
    return struct.pack("<4H6I", 0, 0, mode, links, size, 0, block, number, 0, 0)


def entries():
    names = ((b".", ROOT, 2), (b"..", ROOT, 2), (b"f", FILE, 1))
    table, text = b"", b""
    for name, number, kind in names:
        table += struct.pack("<QHBB", number, 12 * len(names) + len(text), kind, 0)
        text += name
    return table + text


def superblock(blocks):
    head = struct.pack("<IIIBBHQQIIII", 0xE0F5E1E2, 0, 0, 12, 0, ROOT, 2, EPOCH, 0, blocks, INODES, 0)
    return head.ljust(128, b"\0")


content = open(sys.argv[2], "rb").read()
root = entries()
blocks = DATA + -(-len(content) // BLOCK)
with open(sys.argv[1], "wb") as f:
    def put(at, data):
        f.seek(at)
        f.write(data)
    put(1024, superblock(blocks))
    put(INODES * BLOCK + 32 * ROOT, inode(ROOT, 0o40755, 2, len(root), ENTRIES))
    put(INODES * BLOCK + 32 * FILE, inode(FILE, 0o100644, 1, len(content), DATA))
    put(ENTRIES * BLOCK, root)
    put(DATA * BLOCK, content)
    os.ftruncate(f.fileno(), blocks * BLOCK)
