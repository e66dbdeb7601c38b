#!/bin/bash
# SPDX-License-Identifier: MIT
# File systems with times of their own: images of ext4, made ahead with those of a maker, and a snapshot of btrfs,
# which keeps what lies between two changes within one tick.
# shellcheck source=tests/faults/packed.inc
. "$(dirname "$0")/packed.inc"
need mkfs.ext4 debugfs
image

uuid=01234567-89ab-cdef-0123-456789abcdef
for v in 1 2; do
	mkdir "$scratch/tree$v"
	cp "$scratch/content$v" "$scratch/tree$v/f"
	truncate -s 16M "$scratch/ext$v"
	mkfs.ext4 -q -U $uuid -E hash_seed=$uuid -d "$scratch/tree$v" "$scratch/ext$v"
	for field in mtime ctime atime crtime; do
		echo "set_inode_field f $field @1600000000"
		echo "set_inode_field f ${field}_extra 0"
	done >"$scratch/commands"
	debugfs -w -f "$scratch/commands" "$scratch/ext$v" >/dev/null 2>&1
done
sleep 2.1
for mode in ro rw; do
	for v in 1 2; do
		mount -t ext4 -o "$mode,noatime,loop" "$scratch/ext$v" "$scratch/m" || skip_all "ext4 cannot be mounted"
		made[v]=$(attributes "$scratch/m/f")
		shows $v "$scratch/m/f" "ext4 made ahead, $mode, version $v"
		umount "$scratch/m"
	done
	is "${made[1]}" "${made[2]}" "both have the same attributes"
done
mount -t ext4 -o ro,loop "$scratch/ext1" "$scratch/m"
shows 1 "$scratch/m/f" "mounted again"
is "$(reason "$scratch/m/f")" none "it is cached"
umount "$scratch/m"

modprobe btrfs 2>/dev/null
if command -v mkfs.btrfs >/dev/null && grep -qw btrfs /proc/filesystems &&
	truncate -s 512M "$scratch/btrfs" && mkfs.btrfs -q "$scratch/btrfs" >/dev/null 2>&1 &&
	mount -o loop "$scratch/btrfs" "$scratch/m" &&
	python3 "$TOP_SRCDIR/tests/faults/snapshots.py" "$scratch/m"; then
	sleep 2.2
	is "$(attributes "$scratch/m/cur/f")" "$(attributes "$scratch/m/snap/f")" "a snapshot within a tick"
	is "$(cached head -1 "$scratch/m/cur/f")" "version two" "is read"
	is "$(reason "$scratch/m/cur/f")" none "and cached"
	mv "$scratch/m/cur" "$scratch/m/old"
	mv "$scratch/m/snap" "$scratch/m/cur"
	is "$(cached head -1 "$scratch/m/cur/f")" "version one" "after going back to it"
else
	skip "a snapshot within a tick" "no btrfs here, or no two versions within one tick"
fi
done_testing
