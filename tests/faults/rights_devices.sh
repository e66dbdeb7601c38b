#!/bin/bash
# SPDX-License-Identifier: MIT
# Whose device root's programs believe, by the owner, group and mode of its node: the disk group is root.
# shellcheck source=tests/faults/rights.inc
. "$(dirname "$0")/rights.inc"

"$RAWCACHE" format --size 16M "$scratch/disk" >/dev/null
device=$(losetup --find --show "$scratch/disk" 2>/dev/null)
[ "$device" ] || skip_all "no loop device is to be had"
node=$scratch/open/node
for case in "root 6 660 0" "root 1234 660 1" "root 1234 640 0" "1234 6 600 1" "root 6 662 1"; do
	read -r owner group mode refused <<<"$case"
	rm -f "$node"
	: >"$scratch/log"
	mknod -m "$mode" "$node" b "$((0x$(stat -c %t "$device")))" "$((0x$(stat -c %T "$device")))"
	chown "$owner:$group" "$node"
	is "$(preloaded "$node")" "$wanted" "a device, $owner:$group $mode: right bytes"
	is "$(grep -c image_refused "$scratch/log")" "$refused" "and refused: $refused"
done
losetup -d "$device"
done_testing
