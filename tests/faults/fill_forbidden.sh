#!/bin/bash
# SPDX-License-Identifier: MIT
# Fills where io_uring, what helper threads need, or locked memory is forbidden: right, in silence, and read ahead.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill.inc"

for error in EPERM ENOSYS; do
	for what in "" all; do
		fresh
		# shellcheck disable=SC2086
		RAWCACHE_IO=io_uring cached "$TOP_BUILDDIR/tests/shim/no_uring" $error $what \
			python3 "$TOP_SRCDIR/tests/faults/fill_reads.py" sequential "$file" "$original" \
			>"$scratch/out" 2>&1
		is "$? $(cat "$scratch/out")" "0 " \
			"io_uring ${what:+and helpers }forbidden with $error: right, and not a word of it"
		mark origin_bytes
		right file "forbidden with $error: the second pass"
		is "$(since)" 0 "forbidden with $error: what was read is stored"
		at_least $(($(counter readahead_bytes) * 100 / 33000000)) 90 \
			"forbidden with $error: read ahead by helpers all the same (percent)"
	done
done

no_locked_memory() (
	ulimit -l 0
	RAWCACHE_IO=io_uring reads sequential "$file" "$original"
)
fresh
check "no memory may be locked" no_locked_memory
done_testing
