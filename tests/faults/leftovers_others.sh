#!/bin/bash
# SPDX-License-Identifier: MIT
# Segments whose images cannot be seen from here stay: on a file system that is not mounted now, of another
# user, on a block device.
# shellcheck source=tests/faults/leftovers.inc
. "$(dirname "$0")/leftovers.inc"
[ "$(id -u)" = 0 ] || skip_all "needs root"
made "$scratch/main.img" >/dev/null

# elsewhere COMMAND: in a mount namespace of its own it is run, and then the image is used
elsewhere() {
	unshare --mount sh -c "$1 && '$RAWCACHE' stat --cache '$scratch/main.img' >/dev/null"
}
mkdir "$scratch/disk"
if mount -t tmpfs -o size=64M rawcache-test "$scratch/disk" 2>/dev/null; then
	mounts="$mounts $scratch/disk"
	other=$(made "$scratch/disk/sub/other.img")
	mount -t tmpfs -o size=64M rawcache-test "$scratch/disk"
	swept
	stays "$other" "an image on a file system that is not visible now"
	umount "$scratch/disk"
	elsewhere "umount '$scratch/disk'"
	sleep 1.1
	elsewhere "umount '$scratch/disk'"
	stays "$other" "or is not in another mount namespace"
	elsewhere "rm -r '$scratch/disk/sub' && mkdir -p '$scratch/disk/sub'"
	stays "$other" "another mount namespace does not judge at all"
	swept
	gone "$other" "this one does"
	umount "$scratch/disk"
else
	skip "images on a file system that is not visible" "tmpfs cannot be mounted here"
fi

as_user() {
	setpriv --reuid=1234 --regid=1234 --clear-groups "$@"
}
if as_user true 2>/dev/null; then
	chmod 1777 "$scratch/run"
	chmod 755 "$scratch"
	mkdir -m 777 "$scratch/home"
	cp "$RAWCACHE" "$scratch/home/"
	as_user "$scratch/home/rawcache" format --size 16M "$scratch/home/user.img" >/dev/null
	as_user "$scratch/home/rawcache" stat --cache "$scratch/home/user.img" >/dev/null
	other=$(segment "$scratch/home/user.img")
	rm "$scratch/home/user.img"
	swept
	stays "$other" "another user's segment"
	as_user "$scratch/home/rawcache" format --size 16M "$scratch/home/user.img" >/dev/null
	gone "$other" "which goes when that user makes an image"
else
	skip "other users" "cannot become another one here"
fi

truncate -s 16M "$scratch/disk.raw"
if device=$(losetup --find --show "$scratch/disk.raw" 2>/dev/null); then
	"$RAWCACHE" format --yes "$device" >/dev/null
	use "$device"
	other=$(segment "$device")
	dd if=/dev/zero of="$device" bs=1M count=1 status=none
	swept
	stays "$other" "the segment of a block device"
	losetup -d "$device"
else
	skip "a block device" "no loop device can be made here"
fi
done_testing
