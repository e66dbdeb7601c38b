#!/bin/bash
# SPDX-License-Identifier: MIT
# Origins and cache disks that fail: a program sees what it would see without the cache, and
# nothing wrong is stored. FAULTS_IO is the way of reading: threads, io_uring or sync. usage: fill_faults.sh
. "$(dirname "$0")/../lib.sh"
io=${FAULTS_IO:-threads}
export RAWCACHE_IO=$io
need_origin
need python3

probe=$TOP_SRCDIR/tests/faults/fill_probe.py
mkdir "$scratch/back" "$scratch/disk"
head -c 33000000 /dev/urandom >"$scratch/back/file"
cp "$scratch/back/file" "$scratch/back/short"
cp "$scratch/back/file" "$scratch/back/cut"
cp "$scratch/back/file" "$scratch/back/gone"
age "$scratch/back"
origin_mount "$scratch/back" "$scratch/mnt" --latency=0.5 --attr-timeout=0 || skip_all "cannot mount the origin"
CACHED_PATH=$scratch/mnt
IMAGE=$scratch/fill.img
file=$scratch/mnt/file

fresh() {
	"$RAWCACHE" format --force --yes --size 128M "$IMAGE" >/dev/null
}

tell() {
	origin_control "$scratch/mnt" "$1"
}

# what NAME HOW FILE: the outcome is the same with the cache as without, then right again
same_as_native() {
	fresh
	timeout 60 python3 "$probe" "$2" "$3" >"$scratch/native" 2>&1
	timeout 60 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- python3 "$probe" "$2" "$3" \
		>"$scratch/cached" 2>&1
	is "$(cat "$scratch/cached")" "$(cat "$scratch/native")" "$1"
}

# what differs from what is right, and where else in the file it is found: cmp's byte tells nothing
told_apart() {
	cached cmp "$1" "$2" && return
	cached cat "$1" >"$scratch/cached.bytes"
	cmp "$1" "$2" && echo "the origin's own bytes are right"
	python3 "$probe" apart "$scratch/cached.bytes" "$2"
	"$RAWCACHE" verify --cache "$IMAGE"
	return 1
}

and_nothing_wrong() {
	tell clear
	check "$1: right after that" told_apart "$2" "$3"
	check "$1: nothing wrong is stored" "$RAWCACHE" verify --cache "$IMAGE"
}

# --- the origin's errors
for error in EIO ESTALE ETIMEDOUT; do
	tell "fail read $error 0 file"
	same_as_native "$error of all reads" reads "$file"
	grep -q "^0 [0-9]*$" "$scratch/cached"
	ok $? "$error is what the program gets"
	and_nothing_wrong "$error" "$file" "$scratch/back/file"
done
fresh
tell "fail read EIO 7 file"
cached cat "$file" >"$scratch/out" 2>/dev/null
cmp -n "$(stat -c %s "$scratch/out")" "$scratch/out" "$scratch/back/file"
ok $? "$io: what is read between errors is right"
and_nothing_wrong "$io: errors in between" "$file" "$scratch/back/file"
# without the page cache: for it the kernel takes a short answer for the end of the file, and shows
# zeros to who reads on while somebody else asks for the size
origin_mount "$scratch/back" "$scratch/direct" --direct-io --log="$scratch/reads"
CACHED_PATH=$scratch/direct
fresh
origin_control "$scratch/direct" "short read 100000 5 short"
check "short reads" cached cmp "$scratch/direct/short" "$scratch/back/short"
is "$(grep -c short "$scratch/direct/.origin/control")" 0 "(five of them)"
and_nothing_wrong "short reads" "$scratch/direct/short" "$scratch/back/short"
# all of them: with odd ends, just below and above what is asked for, and one page too few. What is
# read into a chunk's buffer must not go beyond its end, where the next one's begins.
chunk=$("$RAWCACHE" info --json --cache "$IMAGE" | sed -n 's/.*"chunk_size": *\([0-9]*\).*/\1/p')
for bytes in 100000 30001 131071 258048; do
	fresh
	: >"$scratch/reads"
	origin_control "$scratch/direct" "short read $bytes 0 short"
	check "reads of $bytes bytes at most" cached cmp "$scratch/direct/short" "$scratch/back/short"
	is "$(awk -v chunk="$chunk" '$2 % chunk + $3 > chunk' "$scratch/reads" | head -3)" "" \
		"reads of $bytes bytes at most: none asks for more than its chunk"
	origin_control "$scratch/direct" clear
	and_nothing_wrong "reads of $bytes bytes at most" "$scratch/direct/short" "$scratch/back/short"
done
CACHED_PATH=$scratch/mnt

# --- a file that is cut in the middle of its fill
fresh
tell "stall read cut"
"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- cat "$scratch/mnt/cut" >"$scratch/out" 2>/dev/null &
reader=$!
pids="$pids $reader"
for _ in $(seq 100); do [ "$(origin_stat "$scratch/mnt" stalled)" -gt 0 ] && break; sleep 0.05; done
cp "$scratch/back/cut" "$scratch/before"
truncate -s 5000000 "$scratch/back/cut"
tell clear
wait $reader
cmp -n "$(stat -c %s "$scratch/out")" "$scratch/out" "$scratch/before"
ok $? "a file cut while it is read: nothing but its bytes"
sleep 2.2
check "and is read as it is now" cached cmp "$scratch/mnt/cut" "$scratch/back/cut"
check "nothing wrong is stored of it" "$RAWCACHE" verify --cache "$IMAGE"

# --- an origin that stalls
# stalled_reader: begins to fill, and waits for the origin; its process in $reader
stalled_reader() {
	fresh
	tell "stall read file"
	"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- dd if="$file" of=/dev/null bs=256k count=1 \
		2>/dev/null &
	reader=$!
	pids="$pids $reader"
	for _ in $(seq 100); do [ "$(origin_stat "$scratch/mnt" stalled)" -gt 0 ] && break; sleep 0.05; done
}

stalled_reader
timeout 60 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- cmp "$file" "$scratch/back/file" &
other=$!
pids="$pids $other"
sleep 0.3
kill -9 $reader
wait $reader 2>/dev/null
tell clear
wait $other
ok $? "who waits for a filler that is killed goes on"
stalled_reader
kill -STOP $reader
tell clear
check "who waits for one that is stopped goes to the origin" \
	timeout 60 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- cmp "$file" "$scratch/back/file"
kill -CONT $reader
wait $reader
ok $? "and that one goes on, too"
check "nothing wrong is stored by either" "$RAWCACHE" verify --cache "$IMAGE"

# --- an origin that vanishes: each side has one of its own to lose
for side in native cached; do
	origin_mount "$scratch/back" "$scratch/mnt.$side" --attr-timeout=0
	run=
	[ $side = native ] || run="$RAWCACHE run --path $scratch/mnt.cached --cache $IMAGE --"
	# shellcheck disable=SC2086
	timeout 60 $run python3 "$probe" vanish "$scratch/mnt.$side/gone" \
		"$(origin_stat "$scratch/mnt.$side" pid)" >"$scratch/$side" 2>&1
	echo "status $?" >>"$scratch/$side"
done
is "$(cat "$scratch/cached")" "$(cat "$scratch/native")" "an origin that vanishes"

# --- a program that has no memory left when its first fill begins
fresh
timeout 60 python3 "$probe" starved "$file" >"$scratch/native" 2>&1
timeout 60 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- python3 "$probe" starved "$file" \
	>"$scratch/cached" 2>&1
is "$(cat "$scratch/cached")" "$(cat "$scratch/native")" "no memory for fills: the program has its bytes"
is "$(counter fills)" 0 "and nothing is stored"
at_least "$(counter fill_errors)" 1 "and that is counted"
check "and it works again" cached cmp "$file" "$scratch/back/file"
at_least "$(counter fills)" 100 "and is stored then"

# --- a cache disk that fails
origin_mount "$scratch/disk" "$scratch/image" || skip_all "cannot mount the image's home"
IMAGE=$scratch/image/fill.img
for error in EIO ENOSPC; do
	fresh 2>/dev/null || fresh # an error of the last round is told to who syncs first
	cached head -c 1 "$scratch/mnt/short" >/dev/null # the first user writes to the superblock
	origin_control "$scratch/image" "fail write $error"
	check "$error of the cache disk: right" cached cmp "$file" "$scratch/back/file"
	origin_control "$scratch/image" clear
	at_least "$(counter io_errors)" 1 "$error of the cache disk is counted"
	check "$error of the cache disk: nothing wrong is stored" "$RAWCACHE" verify --cache "$IMAGE"
	cached cmp "$file" "$scratch/back/file"
	before=$(origin_stat "$scratch/mnt" read_bytes)
	check "$error of the cache disk is over" cached cmp "$file" "$scratch/back/file"
	is $(($(origin_stat "$scratch/mnt" read_bytes) - before)) 0 "and the file is cached"
done
fresh 2>/dev/null || fresh
cached timeout 60 python3 "$probe" cured "$file" "$scratch/image/.origin/control" "$scratch/image/.origin/stats" \
	>"$scratch/out"
is "$(cat "$scratch/out")" "left alone
used again
right" "a disk that fails is left alone for a while"
rm -f "/dev/shm/rawcache-$("$RAWCACHE" info --json --cache "$IMAGE" | sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')"

# --- a disk that takes everything and fails to write it: found after the write, by all who use it
if [ "$(id -u)" -eq 0 ] && truncate -s 128M "$scratch/disk/disk" &&
	loop=$(losetup -f --show "$scratch/image/disk" 2>/dev/null); then
	IMAGE=$loop
	fresh
	cached head -c 1 "$scratch/mnt/short" >/dev/null
	sync "$loop"
	origin_control "$scratch/image" "fail write EIO 0 disk"
	check "a disk that loses what was written: right" cached cmp "$file" "$scratch/back/file"
	origin_control "$scratch/image" clear # the index is written later than the data, and well
	sync "$loop" 2>/dev/null
	blockdev --flushbufs "$loop" # what is read from here on comes from the disk
	check "a disk that lost what was written: right" cached cmp "$file" "$scratch/back/file"
	check "and the cache works again" cached cmp "$file" "$scratch/back/file"
	at_least "$(counter io_errors)" 1 "and told"
	rm -f "/dev/shm/rawcache-$("$RAWCACHE" info --json --cache "$IMAGE" | sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p')"
	losetup -d "$loop"
else
	echo "# not run: no loop device can be made here"
fi
done_testing
