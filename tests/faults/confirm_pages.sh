#!/bin/bash
# SPDX-License-Identifier: MIT
# Pages that the kernel keeps of a file that was replaced at the server are shown, as natively, but not stored (INV-4).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/confirm.inc"

for size in 100000 6000000; do
	for mapped in no yes; do
		make A $size 2026-01-01
		mounted --seconds --keep-cache --no-inval --attr-timeout=0 --entry-timeout=0
		if [ $mapped = yes ]; then
			python3 "$TOP_SRCDIR/tests/faults/confirm_holds.py" "$f" "$scratch/there" &
			pids=$!
			wait_until test -e "$scratch/there"
		else
			cat "$f" >/dev/null
		fi
		make B $size 2026-02-01
		is "$(head -c 1 "$f")" A "the kernel has old pages, mapped: $mapped"
		cached cat "$f" >/dev/null
		[ -z "$pids" ] || stop "$pids"
		pids=
		rm -f "$scratch/there"
		mounted --seconds
		is "$(letters cached cat "$f")" B "they are not stored, $size bytes"
	done
done
done_testing
