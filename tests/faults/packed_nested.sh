#!/bin/bash
# SPDX-License-Identifier: MIT
# Packed file systems in a file that nobody sees any more, and in another packed one.
# shellcheck source=tests/faults/packed.inc
. "$(dirname "$0")/packed.inc"
need_packed
f=$scratch/m/f

# good for as long as it is mounted (not at all where mount ids come again)
for v in 1 2; do
	cp "$scratch/v$v" "$scratch/gone"
	sleep 2.1
	packed_mount "$scratch/gone"
	rm "$scratch/gone"
	shows $v "$f" "a deleted file, version $v"
	kept[v]=$(state "$f")
	is "$(state "$f")" "${kept[v]}" "is the same while it is mounted"
	packed_umount
done
case ${kept[1]} in
"special_fs "*) echo "# mount ids are used again by this kernel: such files are not cached" ;;
*)
	[ "${kept[1]}" != "${kept[2]}" ]
	ok $? "and not afterwards"
	;;
esac

# nest_mount, nest_umount: a packed file system in a packed one
nest_mount() {
	packed_mount "$scratch/nest" "$scratch/outer"
	outer=$loop
	packed_mount "$scratch/outer/f"
}
nest_umount() {
	packed_umount
	# the loop device lets go of the inner file a little after it says that it is free
	wait_until umount "$scratch/outer" && detach "$outer"
}
for v in 1 2; do
	packed "$scratch/nest" "$scratch/v$v"
	sleep 2.1
	nest_mount
	shows $v "$f" "one in another, version $v"
	nested=$(state "$f")
	nest_umount
	nest_mount
	is "$(state "$f")" "$nested" "mounted again it is still cached"
	nest_umount
done
done_testing
