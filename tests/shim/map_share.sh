#!/bin/bash
# SPDX-License-Identifier: MIT
# How much of a cache a mapping has: a file that was read in order is one piece, whatever number of regions it lies in;
# what may be written to is held for good, and is a share of the cache at most; what is only read is given back.
# shellcheck source=tests/shim/twins.inc
. "$(dirname "$0")/twins.inc"
need python3
file large 41943041
file other 15000000
large=$CACHED_PATH/large

image 512M --region 8M
check "it is warmed" "$RAWCACHE" warm --cache "$IMAGE" "$large"
check "several regions are mapped as one" python map_one.py "$large" "$scratch/local/large"
is "$(counter mapped_bytes)" 41943041 "and all of it is the image's"

image 64M
"$RAWCACHE" warm --cache "$IMAGE" "$large" >/dev/null
"$RAWCACHE" run --stats --path "$CACHED_PATH" --cache "$IMAGE" -- python3 -c '
import mmap, sys
f = open(sys.argv[1], "rb")
mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)' "$large" 2>"$scratch/told"
at_least "$(counter mapped_origin_bytes)" 4194304 "what a mapping has of the origin is counted"
is $(($(counter mapped_bytes) + $(counter mapped_origin_bytes))) 41943041 "and the rest is the image's"
check "and --stats tells" grep -q "mappings: .* the origin's" "$scratch/told"

image 80M
"$RAWCACHE" warm --cache "$IMAGE" "$large" >/dev/null
export RAWCACHE
check "a mapping has more than a share of the cache, and gives it back when it is needed" \
	python map_yield.py "$large" "$scratch/local/large" "$CACHED_PATH/other" "$scratch/local/other" "$IMAGE"
done_testing
