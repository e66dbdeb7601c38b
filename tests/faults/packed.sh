#!/bin/bash
# SPDX-License-Identifier: MIT
# Packed file systems: two versions with the same names, sizes, times and inode numbers, one after the other
# on one mount point. Each shows its own bytes, and what is mounted again unchanged is still cached.
. "$(dirname "$0")/../lib.sh"
need python3 losetup unshare
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/m
export RAWCACHE_RUNTIME_DIR=$scratch/run
mkdir "$scratch/m" "$scratch/outer" "$scratch/run"
grep -qw erofs /proc/filesystems || modprobe erofs 2>/dev/null || skip_all "the kernel has no erofs"
if [ "$(id -u)" -ne 0 ] || ! truncate -s 4K "$scratch/try" || ! losetup -r "$(losetup -f)" "$scratch/try" 2>/dev/null; \
	then
	skip_all "no loop device can be made here"
fi
loops=$(losetup -j "$scratch/try" | cut -d: -f1)
losetup -d "$loops"
loops=

# attach FILE: in $loop. detach LOOP. The kernel detaches a little later than it says
attach() {
	for _ in $(seq 50); do
		loop=$(losetup -f) && losetup -r "$loop" "$1" && loops="$loops $loop" && return
		sleep 0.1
	done
	return 1
}
detach() {
	losetup -d "$1"
	loops=${loops/ $1/}
	for _ in $(seq 50); do
		losetup "$1" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
}
packed_mount() {
	attach "$1" && mount -t erofs -o ro "$loop" "${2:-$scratch/m}"
}
packed_umount() {
	umount "$scratch/m" && detach "$loop"
}
packed_end() {
	umount "$scratch/m" "$scratch/outer" 2>/dev/null
	for loop in $loops; do
		losetup -d "$loop"
	done
	cleanup
}
trap packed_end EXIT

# shows VERSION NAME: that is what is read, twice
shows() {
	for _ in 1 2; do
		cached cat "$scratch/m/f" | cmp - "$scratch/content$1" || break
	done >"$scratch/cmp" 2>&1
	[ ! -s "$scratch/cmp" ]
	ok $? "$2"
}
# state [COMMAND...]: reason, key and cached bytes of the file, as COMMAND sees it
state() {
	"$@" "$RAWCACHE" explain --json --path "$scratch/m" --cache "$IMAGE" "$scratch/m/f" | python3 -c '
import json, sys
f = json.load(sys.stdin)["files"][0]
print(f["reason"], f.get("key"), f.get("cached_bytes"))'
}

size=700000
for v in 1 2; do
	yes "this is version $v" | head -c $size >"$scratch/content$v"
	python3 "$TOP_SRCDIR/tests/faults/mkerofs.py" "$scratch/v$v" "$scratch/content$v"
	python3 "$TOP_SRCDIR/tests/faults/mkerofs.py" "$scratch/outer$v" "$scratch/v$v"
done
age "$scratch"
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
packed_mount "$scratch/v1" || skip_all "erofs cannot be mounted here"
attributes=$(stat -c '%i %s %Y %Z' "$scratch/m/f")
shows 1 "the first version"
first=$(state)
case $first in "none "*" $size") true ;; *) echo "# $first"; false ;; esac
ok $? "it is cached"
is "$(state unshare -m --propagation private)" "$first" "another mount namespace finds it"
packed_umount

packed_mount "$scratch/v2"
is "$(stat -c '%i %s %Y %Z' "$scratch/m/f")" "$attributes" "another version has the same attributes"
shows 2 "and shows its own bytes"
packed_umount

packed_mount "$scratch/v1"
is "$(state)" "$first" "the same file mounted again is still cached"
shows 1 "with its bytes"
is "$(state env RAWCACHE_TEST_BOOT_ID=01234567-89ab-cdef-0123-456789abcdef)" "$first" "and after a reboot"
packed_umount

# --- the file is replaced
cp "$scratch/v2" "$scratch/new"
mv "$scratch/new" "$scratch/v1"
packed_mount "$scratch/v1"
shows 2 "replaced by rename a moment ago"
packed_umount
sleep 2.1
packed_mount "$scratch/v1"
shows 2 "and settled"
second=$(state)
python3 "$TOP_SRCDIR/tests/faults/mkerofs.py" "$scratch/new" "$scratch/content1"
mv "$scratch/new" "$scratch/v1"
shows 2 "replaced while it is mounted"
packed_umount
packed_mount "$scratch/v1"
shows 1 "and mounted"
umount "$scratch/m"
cat "$scratch/v2" >"$scratch/v1"
mount -t erofs -o ro "$loop" "$scratch/m"
shows 2 "written in place, the loop device is the same"
umount "$scratch/m"
python3 "$TOP_SRCDIR/tests/faults/mkerofs.py" "$scratch/v1" "$scratch/content1"
mount -t erofs -o ro "$loop" "$scratch/m"
shows 1 "and again at once"
sleep 2.1
shows 1 "and when that has settled"
[ "$(state)" != "$second" ]
ok $? "under another key"
packed_umount

# --- nobody sees what it is in: good for as long as it is mounted (not at all where mount ids come again)
for v in 1 2; do
	cp "$scratch/v$v" "$scratch/gone"
	sleep 2.1
	packed_mount "$scratch/gone"
	rm "$scratch/gone"
	shows $v "a deleted file, version $v"
	kept[v]=$(state)
	is "$(state)" "${kept[v]}" "is the same while it is mounted"
	packed_umount
done
case ${kept[1]} in
"special_fs "*) echo "# mount ids are used again by this kernel: such files are not cached" ;;
*)
	[ "${kept[1]}" != "${kept[2]}" ]
	ok $? "and not afterwards"
	;;
esac

# --- packed in a packed one: that one is replaced
for v in 1 2; do
	cp "$scratch/outer$v" "$scratch/nest"
	sleep 2.1
	packed_mount "$scratch/nest" "$scratch/outer"
	outer=$loop
	packed_mount "$scratch/outer/f"
	shows $v "one in another, version $v"
	nested[v]=$(state)
	packed_umount
	umount "$scratch/outer" && detach "$outer"
	packed_mount "$scratch/nest" "$scratch/outer"
	outer=$loop
	packed_mount "$scratch/outer/f"
	is "$(state)" "${nested[v]}" "mounted again it is still cached"
	packed_umount
	umount "$scratch/outer" && detach "$outer"
done

# --- FUSE servers of packed files, and such as nobody knows and that only read
# keys OPTIONS: the keys that the file has in two mounts, one after the other
keys() {
	for _ in 1 2; do
		origin_mount "$scratch/tree" "$scratch/m" -o "$1" || exit 1
		shows 1 "$1" >&2
		state | cut -d ' ' -f 2
		origin_umount "$scratch/m"
	done
}
if [ -x "$ORIGIN" ] && [ -w /dev/fuse ]; then
	mkdir "$scratch/tree"
	cp "$scratch/content1" "$scratch/tree/f"
	age "$scratch/tree"
	: >"$scratch/disk.img"
	for options in subtype=squashfuse subtype=ext4 subtype=unheard,ro "subtype=unheard,fsname=$scratch/disk.img"; do
		read -rd '' a b < <(keys "$options" 2>>"$scratch/shown")
		[ "$a" != "$b" ] || [ "$a" = None ]
		ok $? "${options%%,fsname*}: other files after each mount"
	done
	for options in subtype=origin subtype=origin,ro subtype=unheard; do
		read -rd '' a b < <(keys "$options" 2>>"$scratch/shown")
		is "$a" "$b" "$options: the same files after each mount"
	done
	is "$(grep -c '^ok' "$scratch/shown")" 14 "each shows its bytes"
	mounts=
fi
done_testing
