#!/bin/bash
# SPDX-License-Identifier: MIT
# A block device as image: no way of writing leaves old pages in its page cache. usage: blockdev.sh
. "$(dirname "$0")/../lib.sh"

if [ "$(id -u)" -ne 0 ] || ! truncate -s 96M "$scratch/disk" || ! \
	loop=$(losetup -f --show "$scratch/disk" 2>/dev/null); then
	echo "1..0 # SKIP no loop device can be made here"
	exit 77
fi
trap 'umount "$scratch/mounted" 2>/dev/null; losetup -d "$loop"; cleanup' EXIT
stale=$TOP_BUILDDIR/tests/faults/stale_pages

check "a new device needs no --force" "$RAWCACHE" format "$loop"

# --- a device that cannot be written is read
mkdir "$scratch/data" "$scratch/runtime"
head -c 300000 /dev/urandom >"$scratch/data/file"
sleep 2.2
export RAWCACHE_RUNTIME_DIR=$scratch/runtime
CACHED_PATH=$scratch/data
IMAGE=$loop
cached cat "$scratch/data/file" >/dev/null
blockdev --setro "$loop"
cached sh -c 'cat "$1" | cmp - "$1"' - "$scratch/data/file" >"$scratch/out" 2>&1
is "$? $(cat "$scratch/out")" "0 " "an image on a read-only device is used"
is "$("$RAWCACHE" ls --json --cache "$loop" | grep -c '"cached": 300000')" 1 "with what is in it"
"$RAWCACHE" drop --yes --cache "$loop" >"$scratch/out" 2>&1
grep -q "is on a read-only device" "$scratch/out"
ok $? "what would change it says why it cannot"
"$RAWCACHE" format --yes "$loop" 2>&1 | grep -q "the device is read-only"
ok $? "format too"
blockdev --setrw "$loop"
unset RAWCACHE_RUNTIME_DIR

# --- what the kernel uses is not overwritten, whatever is asked for
mkdir "$scratch/mounted"
if command -v mkfs.ext4 >/dev/null && mkfs.ext4 -q "$loop" && mount "$loop" "$scratch/mounted" 2>/dev/null; then
	echo precious >"$scratch/mounted/file"
	sync "$scratch/mounted/file"
	"$RAWCACHE" format --force --yes "$loop" >"$scratch/out" 2>&1
	is $? 1 "a device that is mounted is refused, even with --force"
	grep -q "is in use (mounted" "$scratch/out"
	ok $? "and the reason is told"
	umount "$scratch/mounted"
	check "the file system is whole" fsck.ext4 -fn "$loop"
	"$RAWCACHE" format "$loop" >"$scratch/out" 2>&1
	is $? 1 "a file system that is not mounted needs --force"
else
	echo "ok $((tap_count += 1)) - a mounted device # SKIP no ext4 can be made and mounted here"
fi

# --- the trap: what makes asynchronous direct writes unfit is there, or it is said that it is not
if out=$("$stale" async "$loop" 2 2>&1); then
	case $out in
	"0 of"*) echo "# asynchronous direct writes left no old pages here ($out): this kernel, or luck" ;;
	*) echo "# asynchronous direct writes left old pages: $out" ;;
	esac
else
	echo "# asynchronous direct writes could not be tried: $out"
fi
out=$("$stale" sync "$loop" 2)
echo "# synchronous direct writes: $out"
is "${out%% *}" 0 "synchronous direct writes leave no old pages"

# --- the cache, recycled all the time, every byte looked at
for io in threads io_uring sync; do
	for direct in 1 0; do
		[ "$direct $io" != "0 sync" ] || continue
		"$RAWCACHE" format --force --yes --size 12M --region 512K "$loop" >/dev/null || exit 1
		flags="--image $loop --io $io --seconds 1 --processes 4 --threads 2 --kill"
		[ $direct = 0 ] || flags="$flags --direct"
		# shellcheck disable=SC2086
		timeout 60 "$TOP_BUILDDIR/tests/faults/torture_engine" $flags >"$scratch/out" 2>&1
		status=$?
		grep "^# .*\(fills\|extents\)" "$scratch/out"
		[ $status -eq 0 ] || cat "$scratch/out"
		ok $status "RAWCACHE_IO=$io RAWCACHE_DIRECT=$direct: no stale byte"
	done
done
done_testing
