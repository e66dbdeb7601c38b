#!/bin/bash
# SPDX-License-Identifier: MIT
# What survives: a new process, a new mount of the origin, a lost runtime segment, a new boot;
# and what must not be believed after it.
. "$(dirname "$0")/../lib.sh"
need python3
need_origin
mkdir -p "$scratch/store"
head -c 2000000 /dev/urandom >"$scratch/store/a"
head -c 700000 /dev/urandom >"$scratch/store/b"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
m=$scratch/mnt
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
mount_again() {
	[ ! -d "$m/.origin" ] || origin_umount "$m"
	origin_mount "$scratch/store" "$m" || skip_all "the origin cannot be mounted"
	origin_control "$m" reset
}
read_both() {
	cached cat "$m/a" "$m/b" | cmp - <(cat "$scratch/store/a" "$scratch/store/b")
}

mount_again
check "the first time from the origin" read_both
at_least "$(origin_stat "$m" read)" 1 "which was asked"
mount_again
check "after a new mount" read_both
is "$(origin_stat "$m" read)" 0 "without the origin"
uuid=$("$RAWCACHE" info --json --cache "$IMAGE" |
	python3 -c 'import json,sys; d=json.load(sys.stdin); print(d.get("image", d)["uuid"])')
rm -f "/dev/shm/rawcache-$uuid"
mount_again
check "after the runtime segment was lost" read_both
is "$(origin_stat "$m" read)" 0 "without the origin"

export RAWCACHE_TEST_BOOT_ID=11111111-2222-3333-4444-555555555555
before=$(counter verify_ok)
mount_again
check "after a new boot" read_both
is "$(origin_stat "$m" read)" 0 "without the origin"
at_least "$(($(counter verify_ok) - before))" 11 "each chunk was verified at first use"
before=$(counter verify_ok)
check "once more" read_both
is "$(($(counter verify_ok) - before))" 0 "and then trusted"

# flip one byte of each page of the data area's beginning that holds something
RAWCACHE_TEST_BOOT_ID=21111111-2222-3333-4444-555555555555
python3 "$TOP_SRCDIR/tests/faults/restart_flip.py" "$IMAGE" "$("$RAWCACHE" info --json --cache "$IMAGE" |
	python3 -c 'import json,sys; d=json.load(sys.stdin); print(d.get("image", d)["data_offset"])')"
mount_again
check "flipped bytes are a miss, not data" read_both
at_least "$(counter verify_failed)" 8 "and counted"
at_least "$(origin_stat "$m" read)" 1 "the origin gave them"
mount_again
check "and stored again" read_both
is "$(origin_stat "$m" read)" 0 "without the origin"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
