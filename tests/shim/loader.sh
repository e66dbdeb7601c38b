#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that map their data: a model loader, git with its packs. What they touch comes out of the
# image the next time, and the origin is read once. RAWCACHE_TESTS_FULL=1: a model of 2 GiB.
. "$(dirname "$0")/../lib.sh"
need git python3
need_origin
if [ -n "${RAWCACHE_TESTS_FULL:-}" ]; then
	size=2147495993 image=12G bandwidth=400M
else
	size=150012345 image=1G bandwidth=50M
fi
mkdir -p "$scratch/store" "$scratch/mnt"
for name in model populated; do
	head -c $size /dev/urandom >"$scratch/store/$name"
done
age "$scratch/store"
# so slow that what mmap() itself fetches in a second is not all
origin_mount "$scratch/store" "$scratch/mnt" --bandwidth=$bandwidth || exit 1
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
"$RAWCACHE" format --size $image "$IMAGE" >/dev/null || exit 1
mkfifo "$scratch/hold"

# load NAME [ARGUMENT]: sets `mapped` and `read`, the bytes out of the image and off the origin
load() {
	mapped=$(counter mapped_bytes)
	read=$(origin_stat "$scratch/mnt" read_bytes)
	cached timeout 300 "$TOP_BUILDDIR/tests/shim/loader" "$scratch/mnt/$1" "$scratch/store/$1" ${2:-} \
		<"${3:-/dev/null}" >"$scratch/out" 2>&1
	status=$?
	mapped=$(($(counter mapped_bytes) - mapped))
	read=$(($(origin_stat "$scratch/mnt" read_bytes) - read))
	sed 's/^/# /' "$scratch/out"
	return $status
}

# --- touched in random order: followed, and stored while the program has it mapped
load model "" "$scratch/hold" &
loading=$!
exec 8>"$scratch/hold"
for _ in $(seq 300); do
	[ "$(counter fill_bytes)" -lt $size ] || break
	sleep 0.2
done
at_most "$(counter mapped_bytes)" $((size / 2)) "a part of the file was cached when it was mapped"
at_least "$(counter fill_bytes)" $size "all that a program touches in a mapping is stored while it runs"
exec 8>&-
wait $loading
ok $? "and every byte was right"
at_most "$(origin_stat "$scratch/mnt" read_bytes)" $((size + size / 10)) "the origin was read once"
load model
is $status 0 "every byte is right the next time"
is "$mapped" $size "all of it lies in the image then"
is "$read" 0 "and the origin is not read"

# --- who asks for all of it gets all of it
load populated populate
is "$status $mapped" "0 $size" "MAP_POPULATE fetches all of a file"

# --- the thread that follows is in nobody's way: it lets go of what was unmapped, and goes when asked
cp "$TOP_SRCDIR/tests/shim/loader_leave.py" "$scratch/leave.py"
mkdir "$scratch/store2"
head -c 90000000 /dev/urandom >"$scratch/store2/other"
age "$scratch/store2"
origin_mount "$scratch/store2" "$scratch/mnt2" --bandwidth=20M || exit 1
CACHED_PATH=$scratch/mnt2
check "files are closed when they are unmapped, and threads end" \
	cached timeout 60 python3 -S "$scratch/leave.py" "$scratch/mnt2/other" "$scratch/mnt2"
CACHED_PATH=$scratch/mnt

# --- git
git_objects() {
	git -C "$1" cat-file --batch-all-objects --batch
}
mkdir "$scratch/store/repo"
(
	cd "$scratch/store/repo" && git -c init.defaultBranch=main init -q . || exit
	for i in 1 2 3; do
		for j in 1 2 3 4; do head -c 700000 /dev/urandom >"file$j"; done
		git add . && git -c user.name=t -c user.email=t@t commit -qm "commit $i" || exit
	done
	git gc -q
) || exit 1
git_objects "$scratch/store/repo" | sha256sum >"$scratch/objects"
age "$scratch/store/repo"
# what git touched last is stored when it ends, or was not if the machine is busy: then the next one stores it
for round in cold warm 3rd 4th 5th; do
	before=$(counter mapped_files)
	read=$(origin_stat "$scratch/mnt" read_bytes)
	cached git -c safe.directory='*' -C "$scratch/mnt/repo" cat-file --batch-all-objects --batch 2>"$scratch/err" |
		sha256sum >"$scratch/got"
	sed 's/^/# /' "$scratch/err"
	is "$(cat "$scratch/got")" "$(cat "$scratch/objects")" "git reads its packs, $round"
	at_least "$(($(counter mapped_files) - before))" 1 "out of the image, $round"
	read=$(($(origin_stat "$scratch/mnt" read_bytes) - read))
	[ $round = cold ] || [ $read -gt 20000 ] || break
done
at_most $read 20000 "and not off the origin"
done_testing
