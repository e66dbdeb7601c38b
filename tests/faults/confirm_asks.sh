#!/bin/bash
# SPDX-License-Identifier: MIT
# How often the server is asked for the attributes of files that do not change, and what is stored where it cannot be.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/confirm.inc"

# asked COUNTER: how often, since the last `origin_control reset`
asked() {
	origin_stat "$CACHED_PATH" "$1"
}

# a mount that cannot confirm it
make A 6000000 2026-01-01
mounted --stale=60 -o subtype=rclone
for trust in 0 1; do
	export RAWCACHE_TRUST=$trust
	right f "RAWCACHE_TRUST=$trust: the first pass"
	mark asked read
	right f "and the second"
	if [ $trust = 1 ]; then
		is "$(since)" 0 "from the cache"
	else
		at_least "$(since)" 1 "from the origin"
	fi
done
unset RAWCACHE_TRUST

# one that can: one look for 8 chunks, or for what comes in 20 ms
for i in $(seq 100); do
	origin_has "many/$i" 7
done
origin_has large 33554432
age "$back"
mounted --attr-timeout=600 --entry-timeout=600
find "$CACHED_PATH" -type f -exec stat {} + >/dev/null
origin_control "$CACHED_PATH" reset
began=${EPOCHREALTIME/./}
right large "a large file"
at_most "$(asked getattr)" $((16 + (${EPOCHREALTIME/./} - began) / 20000)) "looks for its 128 chunks"
at_least "$(asked getattr)" 1 "are looks"
mark asked read
cached cat "$CACHED_PATH/large" >/dev/null
is "$(since)" 0 "it is cached"

# a lock after the last read (SQLite's, at its end) is a reason to look; what the server then says of it settles it
origin_has locked 1500000
age "$back"
locks='import fcntl, sys
f = open(sys.argv[1], "rb", 0)
while f.tell() < 1200000: f.read(4000)
fcntl.flock(f, fcntl.LOCK_SH)'
cached python3 -c "$locks" "$CACHED_PATH/locked"
mark asked read
cached python3 -c "$locks" "$CACHED_PATH/locked"
is "$(since)" 0 "a file that is locked at its end is stored to its end"

origin_control "$CACHED_PATH" reset
cached cat "$CACHED_PATH"/many/* >/dev/null
at_most "$(asked getattr)" 110 "looks for 100 small files"
at_most "$(asked lookup)" 10 "and no names"
is "$(asked open)" 100 "each is opened once"
cached cat "$CACHED_PATH"/many/* >/dev/null
is "$(asked read)" 100 "and read once"
done_testing
