# SPDX-License-Identifier: MIT
# A process that has a library: tells for each line whether its data are those of a file
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
data = open(sys.argv[2], "rb").read()
at = ctypes.addressof(ctypes.c_char.in_dll(library, "library_data"))
for line in sys.stdin:
    print(int(ctypes.string_at(at, len(data)) == data), flush=True)
