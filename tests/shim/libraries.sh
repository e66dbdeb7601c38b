#!/bin/bash
# SPDX-License-Identifier: MIT
# Libraries below a cached directory: large read-only data come out of the image, and nothing else differs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/libraries.inc"

# ways ROUND: each gives what it gives without the cache
ways() {
	local way file
	for way in told close past fork written constructor textrel; do
		file=lib
		[ $way != constructor ] || file=writes
		[ $way != textrel ] || file=textrel
		tap "$way, $1" "${@:2}" timeout 120 "$program" $way "$scratch/mnt/$file.so" "$scratch/data"
	done
	tap "storm, $1" "${@:2}" timeout 300 "$program" storm "$scratch/mnt/lib.so" "$scratch/data" 150
}

origin_mount "$scratch/store" "$scratch/mnt" || exit 1
ways "without the cache"
tap "cold" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data"
"$RAWCACHE" warm --cache "$IMAGE" "$scratch/mnt" >/dev/null || exit 1
origin_umount "$scratch/mnt"

# --- the origin is not read for them again
origin_mount "$scratch/store" "$scratch/mnt" || exit 1
mapped=$(counter libraries_mapped)
tap "warm" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data"
is "$(($(counter libraries_mapped) - mapped))" 1 "the library's data are counted"
at_most "$(origin_stat "$scratch/mnt" read_bytes)" 700000 "and not read from the origin"
ways "warm" cached
at_least "$(counter libraries_mapped)" $((mapped + 40)) "they are the image's each time"
done_testing
