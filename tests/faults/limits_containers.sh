#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs in containers: the image at another place, in other namespaces.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/limits.inc"

mkdir "$scratch/box"
touch "$scratch/box/image"
box="mount --bind $IMAGE $scratch/box/image
	env LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$CACHED_PATH RAWCACHE_DEVICE=$scratch/box/image"
$shim $compare
two_are_attached() {
	[ "$(processes)" -ge 2 ]
}
$shim python3 "$scratch/limits_stay.py" "$CACHED_PATH/1" &
pids="$pids $!"
unshare -mpif --kill-child sh -c "$box python3 $scratch/limits_stay.py $CACHED_PATH/2" &
pids="$pids $!"
check "a program here and one in a container are attached; neither is taken for dead" wait_until two_are_attached

mark counter hits
check "another container" unshare -mpif sh -c "$box $compare"
at_least "$(since)" 100 "shares the cache"
mark counter hits
check "one with a /dev/shm of its own" unshare -mpif sh -c "mount -t tmpfs tmpfs /dev/shm; $box $compare"
is "$(since)" 0 "reads not a byte from the cache"
check "here everything goes on" $shim $compare
verified "and the image verifies"
done_testing
