#!/bin/bash
# SPDX-License-Identifier: MIT
# Fills on a slow origin: every way of reading by every backend.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill.inc"

for io in threads io_uring sync; do
	export RAWCACHE_IO=$io
	for how in sequential small large strided backwards advised forking locked; do
		fresh
		check "$io: $how" reads $how "$file" "$original"
	done
	fresh
	check "$io: closing" reads closing "$file" "$original" "$CACHED_PATH/other"
	verified "$io: what was stored is right"
done
unset RAWCACHE_IO

# errors of the origin
fresh
origin_control "$CACHED_PATH" "fail read EIO 3"
cached dd if="$file" of="$scratch/out" bs=64k 2>/dev/null
origin_control "$CACHED_PATH" clear
forget "$file"
right file "after errors of the origin"
verified "nothing wrong was stored"

export RAWCACHE_DIRECT=1
fresh
right file "RAWCACHE_DIRECT=1"
right file "RAWCACHE_DIRECT=1, second pass"
verified "RAWCACHE_DIRECT=1, verify"
done_testing
