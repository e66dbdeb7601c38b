#!/bin/bash
# SPDX-License-Identifier: MIT
# Parts of the image cannot be read, or not be written, from the start or under a program: it reads the origin, and
# no command is killed.
# shellcheck source=tests/faults/media.inc
. "$(dirname "$0")/media.inc"
IMAGE=$scratch/mnt/cache.img

# bare STEP...: work without the command, which would say it and not begin
bare() {
	env RAWCACHE_PATHS="$CACHED_PATH" RAWCACHE_DEVICE="$IMAGE" LD_PRELOAD="$RAWCACHE_PRELOAD" \
		timeout 60 python3 "$scratch/work.py" "$CACHED_PATH" "$scratch/plain" "$@"
}
# two STEP: two programs, one of them without anything in memory; one does the step
two() {
	bare "sleep 0.2" >"$scratch/two.log" 2>&1 &
	other=$!
	COLD=1 bare "$1" "sleep 0.1"
	status=$?
	wait $other && [ $status -eq 0 ] || { cat "$scratch/two.log"; return 1; }
}
# no_signal COMMAND...: it may fail, but is not killed
no_signal() {
	timeout 60 "$@"
	[ $? -lt 124 ]
}
field() {
	"$RAWCACHE" info --json --cache "$IMAGE" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}

# part FROM TO NAME [counted]: bytes of the image; counted: its totals have the error, because they can be written
part() {
	for way in read write; do
		fail="fail $way EIO 0@$1-$2 cache.img"
		disk
		image_full
		disk
		echo "$fail" >"$control"
		check "$3: no $way" bare true
		[ $way = write ] || for command in info verify ls stat; do
			check "$3: no $way: rawcache $command" no_signal "$RAWCACHE" $command --cache "$IMAGE"
		done
		disk
		# `verify` has dropped what it could not read; and what is to be written is not there yet
		case $way in read) image_full ;; *) image_empty ;; esac
		disk
		if [ -n "${4:-}" ]; then
			mark counter io_errors
			COLD=1 check "$3: no $way any more, under a program" bare "echo $fail >$control"
			disk
			at_least "$(since)" 1 "$3: no $way: is counted"
		fi
		check "$3: no $way any more, under two" two "echo $fail >$control"
		disk_other
		check "$3: works again" work true
	done
}
disk
image_full
index=$(field index_offset)
data=$(field data_offset)
region=$(field region_size)
part 0 8192 "superblocks"
part 8192 16384 "state and totals"
part 16384 "$index" "region table"
part "$index" "$data" "index"
part $((data + region)) $((data + 2 * region)) "a region" counted
part "$data" 1T "data" counted
done_testing
