#!/bin/bash
# SPDX-License-Identifier: MIT
# Mappings of cached files are what they are natively, and come out of the image.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$scratch/store" "$scratch/local"
head -c 3000001 /dev/urandom >"$scratch/store/a"
cp "$scratch/store/a" "$scratch/local/a"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/store
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
for round in cold warm; do
	cached "$TOP_BUILDDIR/tests/shim/shim_map" "$scratch/store/a" "$scratch/local/a" >"$scratch/out" 2>&1
	ok $? "mappings, $round"
	grep -vE '^ok|^1\.\.' "$scratch/out" | sed 's/^/# /'
done
at_least "$(counter mapped_files)" 12 "mappings were made of the image"

check "rawcache set takes a size" "$RAWCACHE" set --cache "$IMAGE" mmap_threshold=128K
check "and auto" "$RAWCACHE" set --cache "$IMAGE" mmap_threshold=auto
"$RAWCACHE" set --cache "$IMAGE" mmap_threshold=many 2>/dev/null
is $? 2 "and refuses nonsense"

# a running program hears of it: a chunk's first read is copied by pread() below the threshold
cp "$TOP_SRCDIR/tests/shim/map_touch.py" "$scratch/touch.py"
"$RAWCACHE" set --cache "$IMAGE" mmap_threshold=default >/dev/null
mkfifo "$scratch/to" "$scratch/from"
cached env RAWCACHE_MMAP_THRESHOLD=1M timeout 60 python3 "$scratch/touch.py" "$scratch/store/a" \
	<"$scratch/to" >"$scratch/from" &
touch_pid=$!
pids="$pids $touch_pid"
exec 8>"$scratch/to" 9<"$scratch/from"
# touch_chunk NUMBER: sets skipped to the reads that did not use the mapping
touch_chunk() {
	skipped=$(counter mmap_skipped)
	echo "$1" >&8
	read -r -t 60 touched <&9
	skipped=$(($(counter mmap_skipped) - skipped))
}
touch_chunk 1
is "$touched $skipped" "65536 1" "below the threshold"
"$RAWCACHE" set --cache "$IMAGE" mmap_threshold=16K >/dev/null
touch_chunk 8
is "$touched $skipped" "65536 0" "rawcache set mmap_threshold=16K reaches a program that runs"
"$RAWCACHE" set --cache "$IMAGE" mmap_threshold=128K >/dev/null
touch_chunk 4
is "$touched $skipped" "65536 1" "and so does 128K"
"$RAWCACHE" set --cache "$IMAGE" mmap_threshold=default >/dev/null
exec 8>&- 9<&-
wait $touch_pid

# a file that was read in order is one piece, whatever number of regions it lies in
"$RAWCACHE" format --size 512M --region 8M "$scratch/large.img" >/dev/null || exit 1
head -c 41943041 /dev/urandom >"$scratch/store/large"
cp "$scratch/store/large" "$scratch/local/large"
age "$scratch/store"
check "it is warmed" "$RAWCACHE" warm --cache "$scratch/large.img" "$scratch/store/large"
cp "$TOP_SRCDIR/tests/shim/map_one.py" "$scratch/one.py"
IMAGE=$scratch/large.img check "several regions are mapped as one" \
	cached python3 "$scratch/one.py" "$scratch/store/large" "$scratch/local/large"
is "$("$RAWCACHE" stat --json --cache "$scratch/large.img" |
	sed -n 's/.*"mapped_bytes": *\([0-9]*\).*/\1/p' | head -n 1)" 41943041 \
	"and all of it is the image's"
rm -f "$scratch/large.img"

# what a program may write to it holds for good: no more than a share of the cache, and the rest is counted
"$RAWCACHE" format --size 64M "$scratch/small.img" >/dev/null || exit 1
"$RAWCACHE" warm --cache "$scratch/small.img" "$scratch/store/large" >/dev/null
"$RAWCACHE" run --stats --path "$CACHED_PATH" --cache "$scratch/small.img" -- python3 -c '
import mmap, sys
f = open(sys.argv[1], "rb")
mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)' "$scratch/store/large" 2>"$scratch/told"
count() { "$RAWCACHE" stat --json --cache "$scratch/small.img" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" | head -n 1; }
at_least "$(count mapped_origin_bytes)" 4194304 "what a mapping has of the origin is counted"
is $(($(count mapped_bytes) + $(count mapped_origin_bytes))) 41943041 "and the rest is the image's"
check "and --stats tells" grep -q "mappings: .* the origin's" "$scratch/told"

# what it only reads it holds as long as nobody else needs the space
head -c 15000000 /dev/urandom >"$scratch/store/other"
cp "$scratch/store/other" "$scratch/local/other"
age "$scratch/store"
rm -f "$scratch/small.img"
"$RAWCACHE" format --size 80M "$scratch/small.img" >/dev/null || exit 1
"$RAWCACHE" warm --cache "$scratch/small.img" "$scratch/store/large" >/dev/null
cp "$TOP_SRCDIR/tests/shim/map_yield.py" "$scratch/yield.py"
export RAWCACHE
check "a mapping has more than a share of the cache, and gives it back when it is needed" \
	"$RAWCACHE" run --path "$CACHED_PATH" --cache "$scratch/small.img" -- python3 "$scratch/yield.py" \
	"$scratch/store/large" "$scratch/local/large" "$scratch/store/other" "$scratch/local/other" "$scratch/small.img"
rm -f "$scratch/store/large" "$scratch/local/large" "$scratch/small.img" "$scratch/store/other" "$scratch/local/other"

# what is mapped stays while the cache is filled with other things several times over
head -c 40000000 /dev/urandom >"$scratch/store/b"
age "$scratch/store"
cp "$TOP_SRCDIR/tests/shim/map_hold.py" "$scratch/hold.py"
check "a mapping stays right while its region's neighbours go round" \
	cached python3 "$scratch/hold.py" "$scratch/store/a" "$scratch/store/b" "$scratch/local/a"
at_least "$(counter evicted_regions)" 20 "(they did)"

# and so do the mappings of children, however they were made, when their parent unmaps its own
cat >"$scratch/round" <<EOF
for i in 1 2 3; do
	touch -d "\$((i + 7)) hours ago" "$scratch/store/b"
	sleep 2.1
	cat "$scratch/store/b" | tail -c 1 >/dev/null
done
EOF
before=$(counter evicted_regions)
cached timeout 100 "$TOP_BUILDDIR/tests/shim/shim_map" "$scratch/store/a" "$scratch/local/a" \
	". $scratch/round" >"$scratch/out" 2>&1
ok $? "children keep what they inherited"
grep -vE '^ok|^1\.\.' "$scratch/out" | sed 's/^/# /'
at_least "$(($(counter evicted_regions) - before))" 20 "(the cache went round)"

cached cat "$scratch/store/a" >/dev/null
cached timeout 100 "$TOP_BUILDDIR/tests/shim/shim_map" "$scratch/store/a" "$scratch/local/a" \
	"env -u LD_PRELOAD $RAWCACHE drop --cache $IMAGE --all" dropped >"$scratch/out" 2>&1
ok $? "a mapping of what was dropped is cut, inherited and grown"
grep -vE '^ok|^1\.\.' "$scratch/out" | sed 's/^/# /'
done_testing
