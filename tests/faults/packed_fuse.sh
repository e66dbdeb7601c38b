#!/bin/bash
# SPDX-License-Identifier: MIT
# FUSE servers of packed files, and such as nobody knows and that only read: their files are other ones after each
# mount. Those of servers that are known are the same.
# shellcheck source=tests/faults/packed.inc
. "$(dirname "$0")/packed.inc"
need_origin
image
mkdir "$scratch/tree"
cp "$scratch/content1" "$scratch/tree/f"
age "$scratch/tree"
: >"$scratch/disk.img"

# keys OPTIONS: the keys that the file has in two mounts, one after the other, in $a and $b
keys() {
	for key in a b; do
		origin_mount "$scratch/tree" "$scratch/m" -o "$1" || exit 1
		shows 1 "$scratch/m/f" "${1%%,fsname*}: shows its bytes"
		declare -g "$key=$(state "$scratch/m/f" | cut -d ' ' -f 2)"
		origin_umount "$scratch/m"
	done
	mounts=
}
for options in subtype=squashfuse subtype=ext4 subtype=unheard,ro "subtype=unheard,fsname=$scratch/disk.img"; do
	keys "$options"
	[ "$a" != "$b" ] || [ "$a" = None ]
	ok $? "${options%%,fsname*}: other files after each mount"
done
for options in subtype=origin subtype=origin,ro subtype=unheard; do
	keys "$options"
	is "$a" "$b" "$options: the same files after each mount"
done
done_testing
