#!/bin/bash
# SPDX-License-Identifier: MIT
# Random arguments for every hooked call, beside a plain file: tests/args. usage: args.sh [FIRST LAST [STEPS]]
# (seeds; `make check` takes 1 to 4, more by hand: a failure prints the seed and the step)
. "$(dirname "$0")/../lib.sh"
first=${1:-1} last=${2:-4} steps=${3:-3000}
mkdir "$scratch/d" "$scratch/p"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
for name in one two same; do
	head -c 300001 /dev/urandom >"$scratch/p/$name"
done
cp "$scratch/p/"* "$scratch/d"
far=/dev/shm
[ -w $far ] || far=$scratch
age "$scratch/d"
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0
for seed in $(seq "$first" "$last"); do
	rm -f "$scratch"/[dp]/{target,written,appended}
	cp "$scratch/p/same" "$scratch/d/same"
	check "random arguments end as natively, seed $seed" cached timeout 200 "$TOP_BUILDDIR/tests/args/args" \
		"$scratch/d" "$scratch/p" $far "$seed" "$steps"
	chattr -i "$scratch"/[dp]/fixed 2>/dev/null
done
at_least "$(counter hits)" 100 "and out of the cache"
done_testing
