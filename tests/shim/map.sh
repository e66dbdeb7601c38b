#!/bin/bash
# SPDX-License-Identifier: MIT
# Mappings of cached files are what they are natively, and come out of the image; and they stay so while the cache is
# filled with other things several times over.
# shellcheck source=tests/shim/twins.inc
. "$(dirname "$0")/twins.inc"
need python3
file a 3000001
image
compared "mappings, cold" shim_map
compared "mappings, warm" shim_map
at_least "$(counter mapped_files)" 12 "mappings were made of the image"

head -c 40000000 /dev/urandom >"$CACHED_PATH/b"
age "$CACHED_PATH"
check "a mapping stays right while its region's neighbours go round" \
	python map_hold.py "$CACHED_PATH/a" "$CACHED_PATH/b" "$scratch/local/a"
at_least "$(counter evicted_regions)" 20 "(they did)"

# and so do the mappings of children, however they were made, when their parent unmaps its own
cat >"$scratch/round" <<EOF
for i in 1 2 3; do
	touch -d "\$((i + 7)) hours ago" "$CACHED_PATH/b"
	sleep 2.1
	cat "$CACHED_PATH/b" | tail -c 1 >/dev/null
done
EOF
mark counter evicted_regions
compared "children keep what they inherited" shim_map ". $scratch/round"
at_least "$(since)" 20 "(the cache went round)"

cached cat "$CACHED_PATH/a" >/dev/null
compared "a mapping of what was dropped is cut, inherited and grown" shim_map \
	"env -u LD_PRELOAD $RAWCACHE drop --cache $IMAGE --all" dropped
done_testing
