#!/bin/bash
# SPDX-License-Identifier: MIT
# Cache disks that fail, now or when the kernel writes back, and programs without memory: right, and stored later.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill_faults.inc"
origin_has short 33000000
origin --latency=0.5 --attr-timeout=0
disk=$scratch/disk
mkdir "$disk"
origin_mount "$disk" "$scratch/image" || skip_all "cannot mount the image's home"

# segment_remove: what lib.sh removes of images that lie in $scratch itself
segment_remove() {
	rm -f "/dev/shm/rawcache-$("$RAWCACHE" info --json --cache "$IMAGE" |
		sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')"
}

no_memory() {
	IMAGE=$scratch/cache.img
	fresh
	same_as_native "$io: no memory for fills: the program has its bytes" starved "$file"
	is "$(counter fills)" 0 "$io: and nothing is stored"
	at_least "$(counter fill_errors)" 1 "$io: and that is counted"
	right file "$io: and it works again"
	at_least "$(counter fills)" 100 "$io: and is stored then"
}

failing_disk() {
	IMAGE=$scratch/image/fill.img
	for error in EIO ENOSPC; do
		(fresh) 2>/dev/null || fresh # an error of the last round is told to who syncs first
		cached head -c 1 "$CACHED_PATH/short" >/dev/null # the first user writes to the superblock
		origin_control "$scratch/image" "fail write $error"
		right file "$io: $error of the cache disk: right"
		origin_control "$scratch/image" clear
		at_least "$(counter io_errors)" 1 "$io: $error of the cache disk is counted"
		verified "$io: $error of the cache disk: nothing wrong is stored"
		cached cmp "$file" "$back/file"
		mark origin_bytes
		right file "$io: $error of the cache disk is over"
		is "$(since)" 0 "$io: and the file is cached"
	done
	(fresh) 2>/dev/null || fresh
	cached timeout 60 python3 "$probe" cured "$file" "$scratch/image/.origin/control" \
		"$scratch/image/.origin/stats" >"$scratch/out"
	is "$(tr '\n' ' ' <"$scratch/out")" "left alone used again right " \
		"$io: a disk that fails is left alone for a while"
	segment_remove
}

# A disk that takes everything and fails to write it: found after the write, by all who use it.
losing_disk() {
	rm -f "$disk/disk"
	truncate -s 128M "$disk/disk"
	if ! IMAGE=$(losetup -f --show "$scratch/image/disk" 2>/dev/null); then
		echo "# not run: no loop device can be made here"
		return
	fi
	fresh
	cached head -c 1 "$CACHED_PATH/short" >/dev/null
	sync "$IMAGE"
	origin_control "$scratch/image" "fail write EIO 0 disk"
	right file "$io: a disk that loses what was written: right"
	origin_control "$scratch/image" clear # the index is written later than the data, and well
	sync "$IMAGE" 2>/dev/null
	blockdev --flushbufs "$IMAGE" # what is read from here on comes from the disk
	right file "$io: a disk that lost what was written: right"
	right file "$io: and the cache works again"
	at_least "$(counter io_errors)" 1 "$io: and told"
	segment_remove
	losetup -d "$IMAGE"
}

by_each_backend no_memory
by_each_backend failing_disk
by_each_backend losing_disk
done_testing
