#!/bin/bash
# SPDX-License-Identifier: MIT
# Packed file systems: two versions with the same names, sizes, times and inode numbers, one after the other
# on one mount point. Each shows its own bytes, and what is mounted again unchanged is still cached.
# shellcheck source=tests/faults/packed.inc
. "$(dirname "$0")/packed.inc"
need_packed
f=$scratch/m/f

packed_mount "$scratch/v1"
same=$(attributes "$f")
shows 1 "$f" "the first version"
first=$(state "$f")
case $first in "none "*" $size") true ;; *) echo "# $first"; false ;; esac
ok $? "it is cached"
is "$(state "$f" unshare -m --propagation private)" "$first" "another mount namespace finds it"
packed_umount

packed_mount "$scratch/v2"
is "$(attributes "$f")" "$same" "another version has the same attributes"
shows 2 "$f" "and shows its own bytes"
packed_umount

packed_mount "$scratch/v1"
is "$(state "$f")" "$first" "the same file mounted again is still cached"
shows 1 "$f" "with its bytes"
is "$(state "$f" env RAWCACHE_TEST_BOOT_ID=01234567-89ab-cdef-0123-456789abcdef)" "$first" "and after a reboot"
packed_umount

# --- the file is replaced
cp "$scratch/v2" "$scratch/new"
mv "$scratch/new" "$scratch/v1"
packed_mount "$scratch/v1"
shows 2 "$f" "replaced by rename a moment ago"
packed_umount
sleep 2.1
packed_mount "$scratch/v1"
shows 2 "$f" "and settled"
second=$(state "$f")
packed "$scratch/new" "$scratch/content1"
mv "$scratch/new" "$scratch/v1"
shows 2 "$f" "replaced while it is mounted"
packed_umount
packed_mount "$scratch/v1"
shows 1 "$f" "and mounted"

# --- it is written in place: the loop device is the same
umount "$scratch/m"
cat "$scratch/v2" >"$scratch/v1"
mount -t erofs -o ro "$loop" "$scratch/m"
shows 2 "$f" "written in place, the loop device is the same"
umount "$scratch/m"
packed "$scratch/v1" "$scratch/content1"
mount -t erofs -o ro "$loop" "$scratch/m"
shows 1 "$f" "and again at once"
sleep 2.1
shows 1 "$f" "and when that has settled"
[ "$(state "$f")" != "$second" ]
ok $? "under another key"
packed_umount
done_testing
