#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that read, and end at once: what they read is stored, also when it is many small files.
. "$(dirname "$0")/../lib.sh"
for i in $(seq 100); do
	origin_has "many/$i" $((i * 500))
done
origin_has short 3000000
origin --latency=1
reads=$TOP_SRCDIR/tests/faults/fill_reads.py
many=$CACHED_PATH/many

short_programs() {
	for _ in $(seq 20); do
		image 128M
		for _ in first second; do
			cached dd if="$back/short" bs=256k status=none >/dev/null
		done
		[ "$(counter origin_bytes)" -eq 3000000 ] || echo lost
	done
}
CACHED_PATH=$back
is "$(short_programs)" "" "what short programs read is stored, each time of twenty"
CACHED_PATH=$scratch/mnt

# small files are stored many at a time
for how in exit _exit quick_exit syscall exec again; do
	image 128M
	check "$how after many small files" cached python3 "$reads" leaving "$many" "$back/many" $how
	mark origin_bytes
	cached cat "$many"/* | cmp - <(cat "$back"/many/*)
	is "${PIPESTATUS[*]} $(since)" "0 0 0" "$how: all of them are stored, and right"
	is "$("$RAWCACHE" ls --cache "$IMAGE" | grep -c 100%)" 100 "$how: and known by their names"
done
for io in io_uring sync; do
	image 128M
	RAWCACHE_IO=$io check "$io: many small files" cached python3 "$reads" leaving "$many" "$back/many" _exit
	mark origin_bytes
	check "$io: a second pass" cached cat "$many"/*
	is "$(since)" 0 "$io: all of them are stored"
done
verified "and all that is stored is right"
done_testing
