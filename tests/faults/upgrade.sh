#!/bin/bash
# SPDX-License-Identifier: MIT
# An image that version 0.1.0 made (commit 2943338: `rawcache format --size 10M`, then two objects stored with
# examples/objects, for ever, and the second looked up once) is read by what is built now.
. "$(dirname "$0")/../lib.sh"
need xz
objects=$TOP_BUILDDIR/examples/objects
IMAGE=$scratch/old.img
xz -dc "$TOP_SRCDIR/tests/faults/image-0.1.0.xz" >"$IMAGE"
chmod 600 "$IMAGE"

check "info reads it" "$RAWCACHE" info --cache "$IMAGE"
is "$(counter hits)" 1 "its totals are in their places: hits"
is "$(counter fills)" 2 "fills"
is "$(counter mmap_bytes)" 3893 "mmap_bytes"
seq 1 20000 >"$scratch/first"
seq 1 1000 >"$scratch/second"
for n in first second; do
	"$objects" "$IMAGE" "key$([ $n = first ] && echo 1 || echo 2)" >"$scratch/copy"
	check "the $n object is found, and right" cmp "$scratch/copy" "$scratch/$n"
done
check "verify finds nothing bad" "$RAWCACHE" verify --cache "$IMAGE"
check "an object is stored in it" "$objects" "$IMAGE" key3 "$scratch/second"
"$objects" "$IMAGE" key3 >"$scratch/copy"
check "and found" cmp "$scratch/copy" "$scratch/second"
mkdir "$scratch/data"
seq 1 100000 >"$scratch/data/file"
sleep 2.1 # a file that has just changed is not cached yet
CACHED_PATH=$scratch/data
for round in first second; do
	cached cat "$scratch/data/file" | cat >"$scratch/copy"
	check "a file is read through it, the $round time" cmp "$scratch/copy" "$scratch/data/file"
done
at_least "$(counter hit_bytes)" 500000 "and from it"
done_testing
