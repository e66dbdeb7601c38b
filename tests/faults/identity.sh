#!/bin/bash
# SPDX-License-Identifier: MIT
# Packed file systems below an overlay, or in a mount that our table does not have: their files have the times that a
# maker wrote.
# shellcheck source=tests/faults/packed.inc
. "$(dirname "$0")/packed.inc"
need_packed
mkdir "$scratch/lower" "$scratch/up" "$scratch/work"

for v in 1 2; do
	mount -t erofs -o ro,loop "$scratch/v$v" "$scratch/lower"
	mount -t overlay overlay "$scratch/m" \
		-o "lowerdir=$scratch/lower,upperdir=$scratch/up,workdir=$scratch/work" || break
	below[v]=$(attributes "$scratch/m/f")
	shows $v "$scratch/m/f" "packed below an overlay, version $v"
	umount "$scratch/m" "$scratch/lower"
done
is "${below[1]}" "${below[2]}" "both have the same attributes there"

# elsewhere COMMAND: it is run in another mount namespace, which is there as $there until it is stopped
elsewhere() {
	rm -f "$scratch/there"
	unshare -m --propagation private sh -c "$1 && touch '$scratch/there' && exec sleep 60" &
	pids=$!
	there=/proc/$pids/root$scratch/m
	wait_until [ -e "$scratch/there" ]
}
for v in 1 2; do
	elsewhere "mount -t erofs -o ro,loop '$scratch/v$v' '$scratch/m'"
	shows $v "$there/f" "packed in another namespace, version $v"
	echo "# $(reason "$there/f")"
	stop "$pids"
done
elsewhere "mount -t sysfs sysfs '$scratch/m'"
is "$(reason "$there/kernel/mm/transparent_hugepage/enabled")" special_fs \
	"what the kernel makes up is so in another namespace, too"
stop "$pids"
pids=
done_testing
