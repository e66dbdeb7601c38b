#!/bin/bash
# SPDX-License-Identifier: MIT
# The slow origin goes away when it is unmounted or told to end, and lives with a single descriptor for inodes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/check.inc"

mount_origin
fusermount3 -u mnt
ok $? "unmounts"
mount_origin --inode-fds=1
cp -r mnt/tree mnt/again && diff -r mnt/tree mnt/again && mv mnt/again mnt/third && rm -r mnt/third
ok $? "a single descriptor for inodes will do"
pid=$(stat_of pid)
tell "stall read"
read_direct mnt/big &
reader=$!
wait_for stalled 1
kill "$pid"
wait $reader
for _ in $(seq 100); do
	grep -q " $scratch/mnt " /proc/mounts || break
	sleep 0.02
done
! grep -q " $scratch/mnt " /proc/mounts
ok $? "a signal unmounts, even with a stalled reader"
done_testing
