#!/bin/bash
# SPDX-License-Identifier: MIT
# `rawcache set mmap_threshold`: programs that run hear of it. A chunk's first read is copied by pread() below the
# threshold.
# shellcheck source=tests/shim/twins.inc
. "$(dirname "$0")/twins.inc"
need python3
file a 3000001
image
set_to() {
	"$RAWCACHE" set --cache "$IMAGE" "mmap_threshold=$1"
}
cached cat "$CACHED_PATH/a" >/dev/null
check "rawcache set takes a size" set_to 128K
check "and auto" set_to auto
set_to many 2>/dev/null
is $? 2 "and refuses nonsense"
set_to default >/dev/null

# touched NUMBER: what a program gets of a chunk that it reads now, and the number of reads past the mapping
mkfifo "$scratch/to" "$scratch/from"
RAWCACHE_MMAP_THRESHOLD=1M python map_touch.py "$CACHED_PATH/a" <"$scratch/to" >"$scratch/from" &
pids=$!
exec 8>"$scratch/to" 9<"$scratch/from"
touched() {
	mark counter mmap_skipped
	echo "$1" >&8
	read -r -t 60 got <&9
	echo "$got $(since)"
}
is "$(touched 1)" "65536 1" "below the threshold"
set_to 16K >/dev/null
is "$(touched 8)" "65536 0" "rawcache set mmap_threshold=16K reaches a program that runs"
set_to 128K >/dev/null
is "$(touched 4)" "65536 1" "and so does 128K"
exec 8>&- 9<&-
wait "$pids"
pids=
done_testing
