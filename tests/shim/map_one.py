# SPDX-License-Identifier: MIT
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
want = open(sys.argv[2], "rb").read()
size = len(want)
fd = os.open(sys.argv[1], os.O_RDONLY)
at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_PRIVATE, fd, 0)
pieces = [l for l in open("/proc/self/maps") if "large.img" in l and at <= int(l.split("-")[0], 16) < at + size]
print(len(pieces), "pieces, address modulo 2 MiB:", at % (2 << 20), file=sys.stderr)
right = ctypes.string_at(at, size) == want
# a hole across the end of a region, and what is left of both sides
hole, n = 7 << 20, 10 << 20
libc.munmap(at + hole, n)
right = right and ctypes.string_at(at, hole) == want[:hole]
right = right and ctypes.string_at(at + hole + n, size - hole - n) == want[hole + n:]
pid = os.fork()
if not pid:
    libc.munmap(at, hole)
    os._exit(ctypes.string_at(at + hole + n, size - hole - n) != want[hole + n:])
right = right and os.waitpid(pid, 0)[1] == 0
right = right and ctypes.string_at(at + hole + n, 1 << 20) == want[hole + n:hole + n + (1 << 20)]
sys.exit(not right or len(pieces) > 5 or at % (2 << 20) != 0)
