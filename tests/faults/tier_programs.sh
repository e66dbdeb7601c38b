#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs below a tier that confine themselves, change their rights, become others, fork, or map the file.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((8 << 20))
echo small >"$back/small"
age "$back"
tier_key

tier_start server

# the first machine fills the tier
node 1
reads "a node fills the tier"

# programs that do what helpers must not be in the way of
"$RAWCACHE" format --force --size 64M "$scratch/node4.img" >/dev/null
node 4
cp "$TOP_SRCDIR/tests/faults/tier_life.py" "$scratch/life.py" # others may read it there
chmod 755 "$scratch"
for what in fork exec seccomp late hidden set\*id capset; do
	node 4
	tiered python3 "$scratch/life.py" "$CACHED_PATH/file" "$back/file" "$what" >"$scratch/seen"
	is "$(tail -n 1 "$scratch/seen")" "True 0 True" "$what: the program, and its child, have every byte"
done

# what a program reads through a mapping is put, too; another machine has it
IMAGE=$scratch/node7.img
CACHED_PATH=$scratch/mnt7
origin_mount "$back" "$CACHED_PATH" --latency=5
"$RAWCACHE" format --force --size 64M "$IMAGE" >/dev/null
# maps WHAT: a program touches each page of the mapped file, and lasts until the chunks are stored
maps() {
	RAWCACHE_TIER_EPOCH=7 tiered python3 "$TOP_SRCDIR/tests/faults/tier_maps.py" "$CACHED_PATH/file" "$back/file"
	ok $? "$1: the program has every byte"
	RAWCACHE_TIER='' cached cmp "$CACHED_PATH/file" "$back/file"
	ok $? "$1: what was stored is right"
}
maps "a mapped file"
at_least "$(counter tier_puts)" 8 "a mapped file: its chunks are put"
"$RAWCACHE" drop --cache "$IMAGE" "$CACHED_PATH/file" >/dev/null
maps "mapped again"
at_most "$(counter tier_puts)" 32 "mapped again: what the tier has is not put again"
for _ in $(seq 20); do
	node 2
	RAWCACHE_TIER_EPOCH=7 tiered cmp "$CACHED_PATH/file" "$back/file"
	[ "$(counter tier_hits)" -eq 0 ] || break
done
at_least "$(counter tier_hits)" 1 "another machine has chunks of it"
done_testing
