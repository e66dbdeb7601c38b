#!/bin/bash
# SPDX-License-Identifier: MIT
# Helper threads that read ahead: what they have open, a mount that stalls, readers that are killed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill.inc"

# descriptors
fresh
mark origin_stat "$CACHED_PATH" open
check "a large file is read ahead" cached cat "$file"
at_most "$(since)" 2 "and opened once more for all helpers"
fresh
check "who has closed a file has it open nowhere" reads released "$file" "$original" "$CACHED_PATH/other"

# a mount that stalls, beside the one that is read
stalls=$scratch/stalls
origin_mount "$back" "$stalls"
fresh
origin_control "$stalls" "stall read"
CACHED_PATH=$scratch
check "a mount that stalls does not hold up reads of another" \
	reads apart "$file" "$original" "$stalls/file" "$stalls/other" "$stalls/huge"
origin_control "$stalls" clear
CACHED_PATH=$scratch/mnt
at_least $(($(counter readahead_bytes) * 100 / 33000000)) 90 "which are read ahead as ever (percent)"

# many short-lived readers, killed or not
for io in threads io_uring sync; do
	fresh
	RAWCACHE_IO=$io check "$io: a fork bomb of readers" reads bomb "$file" "$original"
	is "$(processes)" 0 "no slot is taken by who is gone"
	check "nor pins, flights, locks or anything else of the segment" "$TOP_BUILDDIR/tests/faults/left" "$IMAGE"
	verified "and what they stored is right"
done
done_testing
