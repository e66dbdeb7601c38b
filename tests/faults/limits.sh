#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs below the cache with too little locked memory, /dev/shm or disk: they read what is right, with the cache or
# without.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/limits.inc"

mark counter hits
for io in threads io_uring sync; do
	check "no locked memory, RAWCACHE_IO=$io" sh -c "ulimit -l 0; RAWCACHE_IO=$io $shim $compare"
done
at_least "$(since)" 100 "with the cache"

# the runtime segment's place
for how in "size=64k" "size=1k,nr_inodes=2" "ro"; do
	check "/dev/shm with $how" unshare -m sh -c "mount -t tmpfs -o $how tmpfs /dev/shm; $shim $compare"
done
check "no /dev/shm at all" unshare -m sh -c "mount -t tmpfs tmpfs /dev; mknod /dev/null c 1 3; $shim $compare"

# the image's disk
full() {
	small=$scratch/small
	mount -t tmpfs -o size=48M tmpfs "$small"
	"$RAWCACHE" format --size 64M "$small/cache.img" >"$scratch/refused" 2>&1 && exit 3
	[ ! -e "$small/cache.img" ] || exit 4
	"$RAWCACHE" format --size 20M "$small/cache.img" >/dev/null || exit 5
	# what is left is somebody else's, also what a recycled region gives back for a moment
	(while :; do cat /dev/zero >>"$small/other" 2>/dev/null; sleep 0.01; done) &
	filler=$!
	sleep 0.3
	RAWCACHE_RUNTIME_DIR=$scratch $shim RAWCACHE_DEVICE="$small/cache.img" $compare
	result=$?
	kill $filler
	return $result
}
mkdir "$scratch/small"
export scratch RAWCACHE shim compare
export -f full
check "a full disk, and an image that does not get its space back" unshare -m bash -c full
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
is "$(processes)" 0 "and no process is left in it"
done_testing
