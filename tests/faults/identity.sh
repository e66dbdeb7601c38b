#!/bin/bash
# SPDX-License-Identifier: MIT
# Identity from times that a maker wrote, or a clock that is wrong: packed file systems below an
# overlay or in a mount that our table does not have, images of ext4 made ahead, snapshots within
# a tick, servers ahead.
. "$(dirname "$0")/../lib.sh"
need python3 losetup unshare mkfs.ext4
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/m
export RAWCACHE_RUNTIME_DIR=$scratch/run
mkdir "$scratch/m" "$scratch/lower" "$scratch/up" "$scratch/work" "$scratch/run" "$scratch/tree"
grep -qw erofs /proc/filesystems || modprobe erofs 2>/dev/null || skip_all "the kernel has no erofs"
[ "$(id -u)" -eq 0 ] || skip_all "only root can mount"

identity_end() {
	umount "$scratch/m" 2>/dev/null
	umount "$scratch/lower" 2>/dev/null
	cleanup
}
trap identity_end EXIT

# shows VERSION FILE NAME: that is what is read, twice
shows() {
	for _ in 1 2; do
		cached cat "$2" | cmp - "$scratch/content$1" || break
	done >"$scratch/cmp" 2>&1
	[ ! -s "$scratch/cmp" ]
	ok $? "$3"
}
reason() {
	"$RAWCACHE" explain --json --path "$scratch/m" --cache "$IMAGE" "$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["files"][0]["reason"])'
}
attributes() {
	stat -c '%i %s %Y %Z' "$1"
}

size=300000
for v in 1 2; do
	yes "this is version $v" | head -c $size >"$scratch/content$v"
	python3 "$TOP_SRCDIR/tests/faults/mkerofs.py" "$scratch/v$v" "$scratch/content$v"
done
age "$scratch"
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
mount -t erofs -o ro,loop "$scratch/v1" "$scratch/lower" || skip_all "erofs cannot be mounted here"
umount "$scratch/lower"

# --- below an overlay
for v in 1 2; do
	mount -t erofs -o ro,loop "$scratch/v$v" "$scratch/lower"
	mount -t overlay overlay "$scratch/m" \
		-o "lowerdir=$scratch/lower,upperdir=$scratch/up,workdir=$scratch/work" || break
	below[v]=$(attributes "$scratch/m/f")
	shows $v "$scratch/m/f" "packed below an overlay, version $v"
	umount "$scratch/m" "$scratch/lower"
done
is "${below[1]}" "${below[2]}" "both have the same attributes there"

# --- in another mount namespace
for v in 1 2; do
	rm -f "$scratch/there"
	# shellcheck disable=SC2016
	unshare -m --propagation private \
		sh -c 'mount -t erofs -o ro,loop "$1" "$2" && touch "$3" && exec sleep 60' \
		sh "$scratch/v$v" "$scratch/m" "$scratch/there" &
	pids=$!
	for _ in $(seq 100); do
		[ ! -e "$scratch/there" ] || break
		sleep 0.1
	done
	shows $v "/proc/$pids/root$scratch/m/f" "packed in another namespace, version $v"
	kinds="${kinds:-} $(reason "/proc/$pids/root$scratch/m/f")"
	stop "$pids"
	pids=
done
echo "#$kinds"
is "$(unshare -m --propagation private sh -c "mount -t sysfs sysfs '$scratch/m' && exec sleep 5" &
	pids=$!
	sleep 1
	reason "/proc/$pids/root$scratch/m/kernel/mm/transparent_hugepage/enabled")" special_fs \
	"what the kernel makes up is so in another namespace, too"

# --- an image of ext4, made ahead with the times of its maker
uuid=01234567-89ab-cdef-0123-456789abcdef
for v in 1 2; do
	mkdir "$scratch/tree$v"
	cp "$scratch/content$v" "$scratch/tree$v/f"
	truncate -s 16M "$scratch/ext$v"
	mkfs.ext4 -q -U $uuid -E hash_seed=$uuid \
		-d "$scratch/tree$v" "$scratch/ext$v"
	for field in mtime ctime atime crtime; do
		echo "set_inode_field f $field @1600000000"
		echo "set_inode_field f ${field}_extra 0"
	done >"$scratch/commands"
	debugfs -w -f "$scratch/commands" "$scratch/ext$v" >/dev/null 2>&1
done
sleep 2.1
for mode in ro rw; do
	for v in 1 2; do
		mount -t ext4 -o "$mode,noatime,loop" "$scratch/ext$v" "$scratch/m" || break
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

# --- a snapshot keeps what lies between two changes within one tick
modprobe btrfs 2>/dev/null
if command -v mkfs.btrfs >/dev/null && grep -qw btrfs /proc/filesystems &&
	truncate -s 512M "$scratch/btrfs" && mkfs.btrfs -q "$scratch/btrfs" >/dev/null 2>&1 &&
	mount -o loop "$scratch/btrfs" "$scratch/m" &&
	python3 "$TOP_SRCDIR/tests/faults/snapshots.py" "$scratch/m"; then
	sleep 2.2
	is "$(attributes "$scratch/m/cur/f")" "$(attributes "$scratch/m/snap/f")" \
		"a snapshot within a tick"
	is "$(cached head -1 "$scratch/m/cur/f")" "version two" "is read"
	is "$(reason "$scratch/m/cur/f")" none "and cached"
	mv "$scratch/m/cur" "$scratch/m/old"
	mv "$scratch/m/snap" "$scratch/m/cur"
	is "$(cached head -1 "$scratch/m/cur/f")" "version one" "after going back to it"
else
	echo "# no btrfs here, or no two versions within one tick"
fi
umount "$scratch/m" 2>/dev/null

# --- clocks
if [ -x "$ORIGIN" ] && [ -w /dev/fuse ]; then
	for clock in 7200 864000; do
		origin_mount "$scratch/tree" "$scratch/m" --seconds --clock=$clock \
			--attr-timeout=0 || exit 1
		cat "$scratch/content1" >"$scratch/tree/f"
		touch -d @1700000000.1 "$scratch/tree/f"
		shows 1 "$scratch/m/f" "a server $clock s ahead"
		is "$(reason "$scratch/m/f")" none "what was changed long ago is cached"
		python3 -c 'import time; t = time.time(); time.sleep(1.02 - t % 1)' # begins
		cat "$scratch/content1" >"$scratch/tree/f"
		is "$(reason "$scratch/m/f")" unsettled "what it calls the future is not"
		shows 1 "$scratch/m/f" "the first version"
		cat "$scratch/content2" >"$scratch/tree/f"
		shows 2 "$scratch/m/f" "the second within the same second"
		sleep 2.2
		shows 2 "$scratch/m/f" "and later"
		origin_umount "$scratch/m"
	done
	mounts=
	export RAWCACHE_SETTLE=0
	origin_mount "$scratch/tree" "$scratch/m" --seconds --attr-timeout=0 || exit 1
	cat "$scratch/content1" >"$scratch/tree/f"
	is "$(reason "$scratch/m/f")" unsettled \
		"whole seconds take two of them, whatever RAWCACHE_SETTLE says"
	sleep 2.1
	is "$(reason "$scratch/m/f")" none "and no more"
	origin_umount "$scratch/m"
	origin_mount "$scratch/tree" "$scratch/m" --attr-timeout=0 || exit 1
	cat "$scratch/content2" >"$scratch/tree/f"
	sleep 0.1
	is "$(reason "$scratch/m/f")" none "finer ones do not"
	touch -d '2100-01-01' "$scratch/tree/f"
	is "$(reason "$scratch/m/f")" unsettled \
		"a time in the future is never settled, if the server may have set it"
	origin_umount "$scratch/m"
	mounts=
fi
done_testing
