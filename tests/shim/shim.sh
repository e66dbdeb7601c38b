#!/bin/bash
# SPDX-License-Identifier: MIT
# The programs tests/shim_*.c below the cache: descriptors, signals, changing files, random calls
# in lockstep with a plain file, and everything at once. usage: shim.sh (they speak TAP themselves)
. "$(dirname "$0")/../lib.sh"
bin=$TOP_BUILDDIR/tests/shim
mkdir -p "$scratch/d" "$scratch/plain"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
python3 "$TOP_SRCDIR/tests/shim/shim_files.py" "$scratch/d"
cp "$scratch/d/one" "$scratch/plain/one"
"$bin/shim_signals" "$scratch/d/records" >/dev/null # makes the file
sleep 2.2

tap descriptors cached timeout 120 "$bin/shim_fds" "$scratch/d/a" "$scratch/d/b"

# --- two files in turn at one number, nothing of them cached yet: what is stored is right, too
for letter in F G; do
	head -c 96M /dev/zero | tr '\0' $letter >"$scratch/d/$letter"
done
age "$scratch/d"
"$RAWCACHE" format --size 512M "$scratch/swap.img" >/dev/null || exit 1
IMAGE=$scratch/swap.img
tap "files in turn" cached timeout 120 "$bin/shim_swap" "$scratch/d/F" "$scratch/d/G"
for letter in F G; do
	is "$(cached cat "$scratch/d/$letter" | tr -d $letter | wc -c)" 0 "and $letter has its own bytes afterwards"
done
IMAGE=$scratch/cache.img
rm -f "$scratch/swap.img" "$scratch/d/"[FG]
tap "what is refused" cached timeout 120 "$bin/shim_refused" "$scratch/d/one"
tap signals cached timeout 120 "$bin/shim_signals" "$scratch/d/records"
RAWCACHE_SETTLE=0.1 tap "changing files" cached timeout 120 "$bin/shim_change" "$scratch/d"
mkdir "$scratch/d/open"
RAWCACHE_SETTLE=0.1 tap opening cached timeout 120 "$bin/shim_open" "$scratch/d/open"
for seed in 1 2 3 4; do
	check "random calls in lockstep, seed $seed" \
		cached "$bin/shim_diff" "$scratch/d/one" "$scratch/plain/one" $seed 4000
done
mkdir "$scratch/d/storm"
RAWCACHE_SETTLE=0 tap "everything at once" cached timeout 120 "$bin/shim_storm" "$scratch/d/storm" 5
for how in "RAWCACHE_DISABLE=1" "RAWCACHE_PATHS=" "RAWCACHE_DEVICE=$scratch/none.img"; do
	check "random calls with ${how%%=*} off the way" env LD_PRELOAD="$RAWCACHE_PRELOAD" \
		RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$IMAGE" "$how" \
		"$bin/shim_diff" "$scratch/d/one" "$scratch/plain/one" 9 2000
done
check "all descriptors closed while none is tracked" \
	cached python3 -c 'import os; os.closerange(3, 2**31 - 1)'
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
