#!/bin/bash
# SPDX-License-Identifier: MIT
# The image's disk fails, or somebody spoils the image, under a program that runs: it gets the origin's
# bytes and no signal, and what went wrong is counted. The failing disk is the FUSE file system of
# tests/origin with the image on it.
. "$(dirname "$0")/../lib.sh"
need python3
need_origin
mkdir -p "$scratch/d" "$scratch/plain" "$scratch/disk" "$scratch/run"
export RAWCACHE_RUNTIME_DIR=$scratch/run # images come and go here, and their segments with them
for i in 1 2 3 4 5 6; do
	head -c $((700000 + i * 4321)) /dev/urandom >"$scratch/d/$i"
done
cp "$scratch/d"/* "$scratch/plain"
age "$scratch/d"
CACHED_PATH=$scratch/d
cp "$TOP_SRCDIR/tests/faults/media_work.py" "$scratch/work.py"
work() {
	cached timeout 120 python3 "$scratch/work.py" "$CACHED_PATH" "$scratch/plain" "$@"
}
disk_new() {
	[ ! -d "$scratch/mnt/.origin" ] || origin_umount "$scratch/mnt"
	origin_mount "$scratch/disk" "$scratch/mnt" || skip_all "the origin cannot be mounted"
}
# the same disk with another device number: one that comes back after it was gone
disk_other() {
	origin_umount "$scratch/mnt"
	origin_mount "$scratch/plain" "$scratch/held" || exit 1 # has the old number
	origin_mount "$scratch/disk" "$scratch/mnt" || exit 1
	origin_umount "$scratch/held"
}
image_empty() {
	rm -f "$IMAGE"
	"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
}
image_new() {
	image_empty
	cached cat "$CACHED_PATH"/* >/dev/null
}

# --- a disk with errors
disk_new
IMAGE=$scratch/mnt/cache.img
image_new
control=$scratch/mnt/.origin/control
before=$(counter hits)
check "an image on FUSE" work
at_least "$(($(counter hits) - before))" 100 "is read from"
disk_new
check "reads of the image fail, after a while" work "echo fail read EIO 0 >$control"
disk_new
before=$(counter io_errors)
disk_new
check "and from the first read of data on" env COLD=1 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
	timeout 120 python3 "$scratch/work.py" "$CACHED_PATH" "$scratch/plain" "echo fail read EIO 0 >$control"
disk_new
at_least "$(($(counter io_errors) - before))" 1 "which is counted"
image_new
disk_new
check "some of them fail" env COLD=1 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
	timeout 120 python3 "$scratch/work.py" "$CACHED_PATH" "$scratch/plain" "echo fail read EIO 3 >$control" \
	"echo fail read EIO 7 >$control"
disk_new
image_empty
before=$(counter io_errors)
check "writes fail" env COLD=1 "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- \
	timeout 120 python3 "$scratch/work.py" "$CACHED_PATH" "$scratch/plain" "echo fail write EIO 0 >$control"
echo clear >"$control"
at_least "$(($(counter io_errors) - before))" 1 "which is counted"
rm -f "$IMAGE"

# --- parts of it cannot be read, or not be written: from the start, or under a program
# without the command, which would say it and not begin
bare() {
	env RAWCACHE_PATHS="$CACHED_PATH" RAWCACHE_DEVICE="$IMAGE" LD_PRELOAD="$RAWCACHE_PRELOAD" \
		timeout 60 python3 "$scratch/work.py" "$CACHED_PATH" "$scratch/plain" "$@"
}
# no_signal COMMAND...: it may fail, but is not killed
no_signal() {
	timeout 60 "$@"
	[ $? -lt 124 ]
}
field() {
	"$RAWCACHE" info --json --cache "$IMAGE" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}
# part FROM TO NAME COUNTED: COUNTED: the image's totals have it, because they can still be written
part() {
	for way in read write; do
		fail="fail $way EIO 0@$1-$2 cache.img"
		disk_new
		image_new
		disk_new # nothing of it is in memory
		echo "$fail" >"$control"
		check "$3: no $way" bare true
		[ $way = write ] || for command in info verify ls stat; do
			check "$3: no $way: rawcache $command" no_signal "$RAWCACHE" $command --cache "$IMAGE"
		done
		disk_new
		# `verify` has dropped what it could not read; and what is to be written is not there yet
		case $way in read) image_new ;; *) image_empty ;; esac
		disk_new
		if [ -n "$4" ]; then
			before=$(counter io_errors)
			COLD=1 check "$3: no $way any more, under a program" bare "echo $fail >$control"
			disk_new
			at_least "$(($(counter io_errors) - before))" 1 "$3: no $way: is counted"
		fi
		check "$3: no $way any more, under two" two "echo $fail >$control"
		disk_other
		check "$3: works again" work true
	done
}
# two STEP: two programs, one of them without anything in memory; one does the step
two() {
	bare "sleep 0.2" >"$scratch/two.log" 2>&1 &
	other=$!
	COLD=1 bare "$1" "sleep 0.1"
	status=$?
	wait $other && [ $status -eq 0 ] || { cat "$scratch/two.log"; return 1; }
}
disk_new
image_new
index=$(field index_offset)
data=$(field data_offset)
region=$(field region_size)
part 0 8192 "superblocks" ""
part 8192 16384 "state and totals" ""
part 16384 "$index" "region table" ""
part "$index" "$data" "index" ""
part $((data + region)) $((data + 2 * region)) "a region" counted
part "$data" 1T "data" counted
rm -f "$IMAGE"

# --- somebody spoils it
IMAGE=$scratch/local.img
for step in "truncate -s 0 $IMAGE" "truncate -s 3M $IMAGE" \
	"rm $IMAGE" "rm $IMAGE; $RAWCACHE format --size 64M $IMAGE" "mv $IMAGE $scratch/moved"; do
	image_new
	check "under a program: ${step//$scratch\//}" work "$step"
done
image_new
check "it cannot be made anew while it is used" work "! $RAWCACHE format --force --size 64M $IMAGE"

# --- bits flip while programs run
image_new
flip="python3 -c \"
import random
f = open('$IMAGE', 'r+b')
f.seek(2 << 20)
b = bytearray(f.read(8 << 20))
for page in range(0, len(b), 4096):
    b[page + random.randrange(4096)] ^= 1
f.seek(2 << 20)
f.write(b)\""
cp "$TOP_SRCDIR/tests/faults/media_flips.py" "$scratch/flips.py"
before=$(counter verify_failed)
export RAWCACHE_VERIFY=always
check "flipped bits, with RAWCACHE_VERIFY=always" cached timeout 120 \
	python3 "$scratch/flips.py" "$CACHED_PATH" "$scratch/plain" "$flip"
at_least "$(($(counter verify_failed) - before))" 10 "are found"
done_testing
