#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached 1.6.18: a lease of one second (`mg KEY v N1`) may be granted again within a small part of it.
#
# The clock of leases ticks once a second, so N seconds last between N-1 and N. Two clients that ask for a
# missing key with N1 on both sides of a tick are both told that they have won. With N3 the second is told to
# wait. The winner's first answer tells no expiry (t-1) although one was asked for.
set -eu
. "$(dirname "$0")/memcached.inc"
cat >ask.py <<'P'
import sys, time
from memcached import ask

def shortest(seconds, keys):
    """The shortest time after which one of many leases, begun at different moments, is granted again."""
    def lease(key):
        return ask(b"mg %s s t N%d\r\n" % (key, seconds)).split()[1:]

    granted, least = {}, None
    for i in range(keys):
        key = b"%d-%d" % (seconds, i)
        first = lease(key)
        granted[key] = time.monotonic()
        if "W" not in first or "t-1" not in first:
            sys.exit("the first answer: %r" % first)
        time.sleep(0.02)
        for old, since in list(granted.items()):
            if "W" in lease(old):
                took = time.monotonic() - since
                least = took if least is None else min(least, took)
                del granted[old]
    return least

one, three = shortest(1, 100), shortest(3, 150)
print("granted again after: N1 %.2f s, N3 %s" % (one, "%.2f s" % three if three else "not in this run"))
sys.exit(not (one < 0.5 and (three is None or three > 1.5)))
P
python3 ask.py
# Seen: N1 0.02 to 0.10 s, N3 2.0 s.
