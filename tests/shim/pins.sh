#!/bin/bash
# SPDX-License-Identifier: MIT
# Bytes that wait in a socket stay right when their region is recycled: on ext4, XFS, a block
# device and tmpfs (where the probe of `format` finds that punching holes detaches pages; where it
# did not, they would be copied). Mounting needs root; what cannot be made is skipped.
. "$(dirname "$0")/../lib.sh"
program=$TOP_BUILDDIR/tests/shim/pin_socket
loops=
detach() {
	for m in $mounts; do umount "$m" 2>/dev/null; done
	for l in $loops; do losetup -d "$l" 2>/dev/null; done
	cleanup
}
trap detach EXIT

# queued IMAGE WAY NAME
queued() {
	if ! "$RAWCACHE" format --force --size 24M "$1" >"$scratch/log" 2>&1; then
		sed 's/^/# /' "$scratch/log"
		ok 1 "$3: format"
		return
	fi
	"$program" "$1" >"$scratch/out" 2>&1
	ok $? "$3: $(cat "$scratch/out")"
	[ "$2" = any ] || is "$(cut -d' ' -f1 "$scratch/out")" "$2" "$3: the way"
	rm -f "/dev/shm/rawcache-$("$RAWCACHE" info --json --cache "$1" 2>/dev/null |
		sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')"
}
skipped() {
	ok 0 "$1 # SKIP $2"
}

case $(stat -f -c %T "$scratch") in
tmpfs) skipped "the scratch directory's file system" "it is tmpfs" ;;
*) queued "$scratch/here.img" sendfile "$(stat -f -c %T "$scratch")" ;;
esac
shm=$(mktemp -d /dev/shm/rawcache-pins.XXXXXX) && {
	queued "$shm/t.img" any tmpfs
	rm -rf "$shm"
}
for fs in ext4 xfs; do
	if [ "$(id -u)" -ne 0 ] || ! command -v "mkfs.$fs" >/dev/null; then
		skipped "$fs" "needs root and mkfs.$fs"
		continue
	fi
	truncate -s 400M "$scratch/$fs.disk"
	mkdir -p "$scratch/$fs"
	if mkfs.$fs -q "$scratch/$fs.disk" >/dev/null 2>&1 &&
		mount -o loop "$scratch/$fs.disk" "$scratch/$fs" 2>/dev/null; then
		mounts="$mounts $scratch/$fs"
		queued "$scratch/$fs/c.img" sendfile "$fs on a loop device"
	else
		skipped "$fs" "cannot be mounted here"
	fi
done
truncate -s 24M "$scratch/block.disk"
if [ "$(id -u)" -eq 0 ] && loop=$(losetup -f --show "$scratch/block.disk" 2>/dev/null); then
	loops=$loop
	queued "$loop" sendfile "block device"
else
	skipped "block device" "no loop device can be made here"
fi
done_testing
