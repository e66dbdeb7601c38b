#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached 1.6.18: values of 256 KiB fill three quarters of its memory only.
#
# An item lies in the smallest slab class that holds it. A page has 1 MiB. The class for 256 KiB and a header
# is 315,872 bytes, so three lie in a page where four nearly would. Values of 64 KiB fill 94 %. A cache of blocks
# whose size is a power of two should store somewhat less than that a value, or much less.
set -eu
. "$(dirname "$0")/memcached.inc" -m 128
cat >fill.py <<'P'
import sys
from memcached import ask, stats

def fill(size):
    """The bytes of values that it holds after many more than it can hold."""
    for i in range((256 << 20) // size):
        if ask(b"ms %d-%d %d\r\n%s\r\n" % (size, i, size, b"x" * size)) != "HD":
            sys.exit("refused")
    return int(stats(b"stats")["curr_items"]) * size

share = fill(256 << 10) / (128 << 20)
size = max(int(n) for name, n in stats(b"stats slabs").items() if name.endswith(":chunk_size"))
print("256 KiB: %.0f %% of the memory, slab class of %d bytes" % (100 * share, size))
sys.exit(not (0.70 < share < 0.78 and size == 315872))
P
python3 fill.py
# Seen: 256 KiB: 75 % of the memory, slab class of 315872 bytes.
