#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached 1.6.18: a set that is refused as too large takes the key's old value along.
#
# The answer to `ms` with a value above the item size is SERVER_ERROR. The connection stays in step. The value
# that the key had before is gone: who replaces a value and is refused has lost the old one, too.
set -eu
. "$(dirname "$0")/memcached.inc"
cat >ask.py <<'P'
import sys
from memcached import ask

old = ask(b"ms key 3\r\nold\r\n"), ask(b"mg key s\r\n")
large = b"x" * 1048576
refused = ask(b"ms key %d\r\n%s\r\n" % (len(large), large))
after = ask(b"mn\r\n"), ask(b"mg key s\r\n")
print("stored:", *old, "| too large:", refused, "| then:", *after)
sys.exit(not (old == ("HD", "HD s3") and refused.startswith("SERVER_ERROR") and after == ("MN", "EN")))
P
python3 ask.py
# Seen: stored: HD HD s3 | too large: SERVER_ERROR object too large for cache | then: MN EN
